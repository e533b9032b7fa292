//! One request on a thread of its own, so that the caller's thread never waits for a silent server.
//!
//! The worker sends what comes through a bounded channel and ends when its receiver is gone, when the agent is shut
//! down, or by its time-outs.

use std::io::Read;
use std::sync::mpsc::SyncSender;

use ureq::http::{Response, header};
use ureq::tls::{RootCerts, TlsConfig};
use ureq::{Agent, Body};

use super::client::Downloader;
use super::failure::Failure;
use super::head::Head;
use super::limits::Limits;
use crate::library::address::Address;

/// Bytes handed over at once.
const PIECE: usize = 1 << 16;
/// No answer's head is larger.
const LARGEST_HEAD: usize = 1 << 16;
/// Tells a publisher whose device this is, and nothing of the person.
const AGENT: &str = concat!("cones/", env!("CARGO_PKG_VERSION"));

/// What is asked for.
pub(super) struct Ask {
    /// Where.
    pub(super) address: Address,
    /// Where to go on, if not from the start.
    pub(super) resume: Option<Resume>,
}

/// A byte to go on from.
pub(super) struct Resume {
    /// Counted from 0.
    pub(super) byte: u64,
    /// The state of the file that the bytes before are of; without it the hash at the end decides alone.
    pub(super) validator: Option<String>,
}

/// What the worker sends: a head, bytes, and the end; or a failure at any point.
pub(super) enum Message {
    Head(Head),
    Bytes(Vec<u8>),
    End,
    Failed(Failure),
}

/// A client for one request. Loopback goes through no proxy.
pub(super) fn agent(client: &Downloader) -> Agent {
    let limits = &client.limits;
    let roots = client.roots.clone().map_or(RootCerts::WebPki, RootCerts::Specific);
    Agent::config_builder()
        .tls_config(TlsConfig::builder().root_certs(roots).build())
        .http_status_as_error(false)
        // Followed here, where the rules for URLs are.
        .max_redirects(0)
        .max_redirects_will_error(false)
        .user_agent(AGENT)
        .max_response_header_size(LARGEST_HEAD)
        .timeout_resolve(Some(limits.connect))
        .timeout_connect(Some(limits.connect))
        .timeout_send_request(Some(limits.idle))
        .timeout_recv_response(Some(limits.idle))
        .timeout_per_read(Some(limits.idle))
        .timeout_per_write(Some(limits.idle))
        .build()
        .new_agent()
}

/// Asks and sends what comes.
pub(super) fn run(agent: &Agent, ask: Ask, limits: &Limits, messages: &SyncSender<Message>) {
    let last = match transfer(agent, ask, limits, messages) {
        Ok(()) => Message::End,
        Err(failure) => Message::Failed(failure),
    };
    // Nobody listens any more: the caller has gone on without this worker.
    let _ = messages.send(last);
}

fn transfer(agent: &Agent, ask: Ask, limits: &Limits, messages: &SyncSender<Message>) -> Result<(), Failure> {
    let (response, shown) = follow(agent, ask, limits)?;
    if messages.send(Message::Head(Head::of(&response))).is_err() {
        return Ok(());
    }
    let mut body = response.into_body().into_with_config().limit(u64::MAX).reader();
    loop {
        let mut piece = vec![0; PIECE];
        // The inner error, where this wraps one.
        let read = body.read(&mut piece).map_err(|error| Failure::from_transfer(shown.clone(), error.into()))?;
        piece.truncate(read);
        if read == 0 || messages.send(Message::Bytes(piece)).is_err() {
            return Ok(());
        }
    }
}

/// The first answer that is no redirect, and where it came from, for messages.
fn follow(agent: &Agent, ask: Ask, limits: &Limits) -> Result<(Response<Body>, String), Failure> {
    let mut address = ask.address;
    for _ in 0..=limits.redirects {
        let shown = address.shown();
        let response = send(agent, &address, ask.resume.as_ref())?;
        if !matches!(response.status().as_u16(), 301 | 302 | 303 | 307 | 308) {
            return Ok((response, shown));
        }
        let Some(location) = response.headers().get(header::LOCATION).and_then(|l| l.to_str().ok()) else {
            return Err(Failure::server(shown, "it redirects to nowhere"));
        };
        address = address.redirect(location)?;
    }
    Err(Failure::server(address.shown(), format!("it redirects more than {} times", limits.redirects)))
}

fn send(agent: &Agent, address: &Address, resume: Option<&Resume>) -> Result<Response<Body>, Failure> {
    if !address.stays_here() {
        let reason = "this name leads to another device here, and only HTTPS may go there";
        return Err(Failure::server(address.shown(), reason));
    }
    // Encodings change lengths and positions; the file as it is, please.
    let mut request = agent.get(address.as_str()).header(header::ACCEPT_ENCODING, "identity");
    if let Some(resume) = resume {
        request = request.header(header::RANGE, format!("bytes={}-", resume.byte));
        if let Some(validator) = &resume.validator {
            request = request.header(header::IF_RANGE, validator);
        }
    }
    if address.is_loopback() {
        request = request.config().proxy(None).build();
    }
    request.call().map_err(|error| Failure::from_transfer(address.shown(), error))
}
