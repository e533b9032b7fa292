//! A small file, into memory.

use super::client::Downloader;
use super::exchange::{self, Exchange};
use super::failure::Failure;
use super::fetch::status;
use super::patience::Patience;
use super::worker::Ask;
use crate::cancel::CancelToken;
use crate::error::Result;
use crate::library::address::Address;

/// What an attempt found.
enum Found {
    Content(Vec<u8>),
    /// The server has no such file, or something else in its place; why, for those who need one.
    Nothing(Failure),
}

/// Gets at most `limit` bytes; see [`Downloader::small`](super::Downloader::small).
pub(super) fn get(address: &Address, limit: u64, client: &Downloader, cancel: &CancelToken) -> Result<Vec<u8>> {
    let mut patience = Patience::new(&client.limits);
    loop {
        match attempt(address, limit, client, cancel) {
            Ok(Found::Content(content)) => return Ok(content),
            // What came is not kept, so nothing counts as progress.
            Ok(Found::Nothing(failure)) | Err(failure) => wait(&mut patience, address, failure, cancel)?,
        }
    }
}

/// As [`get`], of a file that need not be there: servers say so with 404 and 410, some with 403, and some send a page of their own,
/// which is longer than what is asked for or none of its kind.
pub(super) fn get_if_there(
    address: &Address,
    limit: u64,
    client: &Downloader,
    cancel: &CancelToken,
) -> Result<Option<Vec<u8>>> {
    let mut patience = Patience::new(&client.limits);
    loop {
        match attempt(address, limit, client, cancel) {
            Ok(Found::Content(content)) => return Ok(Some(content)),
            Ok(Found::Nothing(failure)) => {
                log::debug!("{} is taken not to be there: {failure:?}", address.shown());
                return Ok(None);
            }
            Err(failure) => wait(&mut patience, address, failure, cancel)?,
        }
    }
}

fn wait(patience: &mut Patience, address: &Address, failure: Failure, cancel: &CancelToken) -> Result<()> {
    exchange::sleep(patience.after(&address.shown(), failure, false)?, cancel)
}

fn attempt(address: &Address, limit: u64, client: &Downloader, cancel: &CancelToken) -> Result<Found, Failure> {
    let ask = Ask { address: address.clone(), resume: None };
    let (mut exchange, head) = Exchange::begin(ask, client, cancel)?;
    let server = |reason| Failure::server(address.shown(), reason);
    match head.status {
        200 => {}
        403 | 404 | 410 => return Ok(Found::Nothing(status(&address.shown(), &head))),
        _ => return Err(status(&address.shown(), &head)),
    }
    if let Some(encoding) = head.encoding {
        return Err(server(format!("the server sends it encoded as `{encoding}`, which was not asked for")));
    }
    if let Some(length) = head.length.filter(|length| *length > limit) {
        return Ok(Found::Nothing(server(format!("it has {length} bytes; no more than {limit} are taken"))));
    }
    let mut content = Vec::new();
    while let Some(bytes) = exchange.next(cancel)? {
        if bytes.len() as u64 > limit - content.len() as u64 {
            return Ok(Found::Nothing(server(format!("it does not end after {limit} bytes"))));
        }
        content.extend(bytes);
    }
    Ok(Found::Content(content))
}
