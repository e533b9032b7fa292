//! One file, over as many requests as it takes.

use std::path::Path;
use std::time::{Duration, Instant};

use super::client::Downloader;
use super::exchange::{self, Exchange};
use super::expected::Expected;
use super::failure::Failure;
use super::head::Head;
use super::part::Part;
use super::patience::Patience;
use super::received::Received;
use super::received::Watch;
use super::worker::{Ask, Resume};
use crate::cancel::CancelToken;
use crate::disk::files;
use crate::disk::hash::Sha256;
use crate::disk::space;
use crate::error::{Error, Result};
use crate::library::address::Address;

/// The least time between two reports.
const REPORT: Duration = Duration::from_millis(200);

/// One download.
pub(super) struct Fetch<'a> {
    pub(super) address: &'a Address,
    pub(super) expected: &'a Expected,
    pub(super) target: &'a Path,
    pub(super) client: &'a Downloader,
    pub(super) cancel: &'a CancelToken,
    pub(super) reporter: Reporter<'a>,
    /// Set when the server's parts of files cannot be used: the whole is asked for then.
    pub(super) whole_only: bool,
}

/// How an attempt ended that was not broken off.
enum Ended {
    /// All bytes are there.
    Complete,
    /// The file is to be asked for once more, without asking for a part; why.
    Again(&'static str),
}

impl Fetch<'_> {
    /// Gets the file; see [`Downloader::file`](super::Downloader::file).
    pub(super) fn run(mut self) -> Result<()> {
        if self.is_there()? {
            return Ok(());
        }
        let mut part = Part::open(self.target, self.expected, &self.address.shown(), self.cancel)?;
        // Whoever held the lock may have finished it.
        if self.is_there()? {
            part.discard();
            return Ok(());
        }
        space::check(files::folder_of(self.target), self.expected.bytes - part.length())?;
        self.complete(&mut part)?;
        if part.sha256() != self.expected.sha256 && part.is_mixed() {
            // Bytes of two states of the file, or a damaged part: once more from the start, in one piece if possible.
            log::debug!("a resumed download has a wrong hash and begins anew");
            part.restart(None)?;
            self.complete(&mut part)?;
        }
        let found = part.sha256();
        if found != self.expected.sha256 {
            part.discard();
            return Err(self.untrusted(found));
        }
        part.finish()?;
        self.reporter.report(self.expected.bytes, true);
        Ok(())
    }

    fn is_there(&mut self) -> Result<bool> {
        let there = files::has(self.target, self.expected.bytes, self.expected.sha256, self.cancel)?;
        if there {
            self.reporter.report(self.expected.bytes, true);
        }
        Ok(there)
    }

    /// Attempts until all bytes are there.
    fn complete(&mut self, part: &mut Part) -> Result<()> {
        let mut patience = Patience::new(&self.client.limits);
        self.reporter.report(part.length(), true);
        loop {
            self.cancel.check()?;
            let before = part.length();
            let failure = match self.attempt(part) {
                Ok(Ended::Complete) => return Ok(()),
                Ok(Ended::Again(reason)) => {
                    self.whole_only = true;
                    Failure::passing(reason)
                }
                Err(failure) => failure,
            };
            let progressed = part.length() > before;
            self.reporter.report(part.length(), true);
            let wait = patience.after(&self.address.shown(), failure, progressed)?;
            exchange::sleep(wait, self.cancel)?;
        }
    }

    /// One request.
    fn attempt(&mut self, part: &mut Part) -> Result<Ended, Failure> {
        if part.length() == self.expected.bytes {
            return Ok(Ended::Complete);
        }
        let from = if self.whole_only { 0 } else { part.length() };
        let resume = (from > 0).then(|| Resume { byte: from, validator: part.validator().cloned() });
        let ask = Ask { address: self.address.clone(), resume };
        let (mut exchange, head) = Exchange::begin(ask, self.client, self.cancel)?;
        if let Some(encoding) = &head.encoding {
            return Err(self.server(format!("the server sends it encoded as `{encoding}`, which was not asked for")));
        }
        match head.status {
            // Some servers have the status of a part wrong and its range right.
            206 if from > 0 => {}
            200 if from > 0 && head.range.is_some() => {}
            // Neither the whole nor said to be a part: once without asking for one.
            200 if from > 0 && head.length.is_some_and(|length| length != self.expected.bytes) => {
                return Ok(Ended::Again("the server sends neither the whole nor the part that was asked for"));
            }
            200 => {
                self.take_whole(&head, part)?;
                return self.receive(&mut exchange, part);
            }
            416 if from > 0 => return Ok(Ended::Again("the server has no such part")),
            _ => return Err(status(&self.address.shown(), &head)),
        }
        if !self.continues(&head, from)? {
            return Ok(Ended::Again("the server sends another part than was asked for"));
        }
        part.resumed();
        self.receive(&mut exchange, part)
    }

    /// The answer is the whole file: it is taken from its start.
    fn take_whole(&self, head: &Head, part: &mut Part) -> Result<(), Failure> {
        match head.length {
            Some(length) if length != self.expected.bytes => Err(self.wrong_length(length)),
            _ => Ok(part.restart(head.validator.clone())?),
        }
    }

    /// Whether the answer goes on at byte `from` of a file of the right length.
    fn continues(&self, head: &Head, from: u64) -> Result<bool, Failure> {
        let Some(range) = head.range else { return Ok(false) };
        if let Some(whole) = range.whole.filter(|whole| *whole != self.expected.bytes) {
            return Err(self.wrong_length(whole));
        }
        let length = range.last - range.first + 1;
        Ok(range.first == from && range.last < self.expected.bytes && head.length.is_none_or(|said| said == length))
    }

    fn receive(&mut self, exchange: &mut Exchange, part: &mut Part) -> Result<Ended, Failure> {
        while let Some(bytes) = exchange.next(self.cancel)? {
            let room = self.expected.bytes - part.length();
            if bytes.len() as u64 > room {
                // None of it can be right then.
                part.restart(None)?;
                return Err(
                    self.server(format!("the server sends more than the {} bytes expected", self.expected.bytes))
                );
            }
            part.append(&bytes)?;
            self.reporter.report(part.length(), false);
        }
        if part.length() == self.expected.bytes {
            return Ok(Ended::Complete);
        }
        Err(Failure::passing(format!("the answer ended after {} of {} bytes", part.length(), self.expected.bytes)))
    }

    fn server(&self, reason: String) -> Failure {
        Failure::server(self.address.shown(), reason)
    }

    fn wrong_length(&self, found: u64) -> Failure {
        self.server(format!("the server's file has {found} bytes instead of {}", self.expected.bytes))
    }

    fn untrusted(&self, found: Sha256) -> Error {
        Error::Untrusted {
            what: self.address.shown(),
            reason: format!("its SHA-256 is {found} instead of {}", self.expected.sha256),
            hint: "it was changed, or its publisher's list is old; get the list again, or tell the publisher".into(),
        }
    }
}

/// What a status other than success means.
pub(super) fn status(url: &str, head: &Head) -> Failure {
    let reason = format!("the server answers with status {}", head.status);
    match head.status {
        // Too early, too many, too slow, or the server's own trouble.
        408 | 425 | 429 | 500..=599 => Failure::Passing { reason, after: head.retry_after },
        401 | 403 => Failure::server(url.into(), format!("{reason}: it may not be downloaded")),
        404 | 410 => Failure::server(url.into(), format!("{reason}: it is not there")),
        _ => Failure::server(url.into(), reason),
    }
}

/// Tells a [`Watch`] now and then.
pub(super) struct Reporter<'a> {
    pub(super) watch: &'a mut dyn Watch,
    pub(super) name: String,
    pub(super) total: u64,
    pub(super) last: Option<Instant>,
}

impl Reporter<'_> {
    fn report(&mut self, bytes: u64, always: bool) {
        if always || self.last.is_none_or(|last| last.elapsed() >= REPORT) {
            self.last = Some(Instant::now());
            self.watch.received(Received { name: &self.name, bytes, total: self.total });
        }
    }
}
