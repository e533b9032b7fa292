//! The caller's side of one request: it polls, so that a cancel is heard within a moment.

use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::time::{Duration, Instant};

use ureq::Agent;

use super::client::Downloader;
use super::failure::Failure;
use super::head::Head;
use super::worker::{self, Ask, Message};
use crate::cancel::CancelToken;
use crate::error::Error;

/// How often a cancel is looked for.
pub(super) const POLL: Duration = Duration::from_millis(50);
/// Pieces of a body that may wait for the caller: the memory of a download.
const WAITING: usize = 8;

/// A request in progress. Dropping it closes the connection.
pub(super) struct Exchange {
    agent: Agent,
    messages: Receiver<Message>,
    idle: Duration,
    shown: String,
}

impl Exchange {
    /// Begins a request and waits for the head of its answer.
    pub(super) fn begin(ask: Ask, client: &Downloader, cancel: &CancelToken) -> Result<(Self, Head), Failure> {
        cancel.check()?;
        let (sender, messages) = sync_channel(WAITING);
        let (agent, limits) = (worker::agent(client), client.limits);
        let mut exchange = Self { agent: agent.clone(), messages, idle: limits.idle, shown: ask.address.shown() };
        let work = move || worker::run(&agent, ask, &limits, &sender);
        let thread = std::thread::Builder::new().name("cones-download".into()).spawn(work);
        if let Err(error) = thread {
            return Err(Failure::server(exchange.shown.clone(), format!("no thread can be started: {error}")));
        }
        // The worker's own time-outs bound the wait for the head.
        match exchange.receive(None, cancel)? {
            Message::Head(head) => Ok((exchange, head)),
            _ => Err(exchange.lost()),
        }
    }

    /// The next piece of the body; `None` at its end.
    pub(super) fn next(&mut self, cancel: &CancelToken) -> Result<Option<Vec<u8>>, Failure> {
        // A body whose frame keeps moving without giving a byte renews the worker's time-outs, so idle time is counted
        // here as well.
        match self.receive(Some(self.idle), cancel)? {
            Message::Bytes(bytes) => Ok(Some(bytes)),
            Message::End => Ok(None),
            _ => Err(self.lost()),
        }
    }

    fn receive(&mut self, longest: Option<Duration>, cancel: &CancelToken) -> Result<Message, Failure> {
        let begun = Instant::now();
        loop {
            cancel.check()?;
            match self.messages.recv_timeout(POLL) {
                Ok(Message::Failed(failure)) => return Err(failure),
                Ok(message) => return Ok(message),
                Err(RecvTimeoutError::Timeout) if longest.is_some_and(|longest| begun.elapsed() > longest) => {
                    return Err(Failure::passing("the server has fallen silent"));
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return Err(self.lost()),
            }
        }
    }

    /// The worker has ended without a word: the client panicked over what it was sent.
    fn lost(&self) -> Failure {
        Failure::server(self.shown.clone(), "the answer could not be read")
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        // The worker may be waiting for the server; this ends its wait.
        self.agent.clone().shutdown();
    }
}

/// Waits, but not for longer than it takes to hear a cancel.
pub(super) fn sleep(time: Duration, cancel: &CancelToken) -> Result<(), Error> {
    let begun = Instant::now();
    loop {
        cancel.check()?;
        let left = time.saturating_sub(begun.elapsed());
        if left.is_zero() {
            return Ok(());
        }
        std::thread::sleep(left.min(POLL));
    }
}
