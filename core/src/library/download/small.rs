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

/// Gets at most `limit` bytes; see [`Downloader::small`](super::Downloader::small).
pub(super) fn get(address: &Address, limit: u64, client: &Downloader, cancel: &CancelToken) -> Result<Vec<u8>> {
    let mut patience = Patience::new(&client.limits);
    loop {
        match attempt(address, limit, client, cancel) {
            Ok(content) => return Ok(content),
            // What came is not kept, so nothing counts as progress.
            Err(failure) => exchange::sleep(patience.after(&address.shown(), failure, false)?, cancel)?,
        }
    }
}

fn attempt(address: &Address, limit: u64, client: &Downloader, cancel: &CancelToken) -> Result<Vec<u8>, Failure> {
    let ask = Ask { address: address.clone(), resume: None };
    let (mut exchange, head) = Exchange::begin(ask, client, cancel)?;
    let server = |reason| Err(Failure::server(address.shown(), reason));
    if head.status != 200 {
        return Err(status(&address.shown(), &head));
    }
    if let Some(encoding) = head.encoding {
        return server(format!("the server sends it encoded as `{encoding}`, which was not asked for"));
    }
    if let Some(length) = head.length.filter(|length| *length > limit) {
        return server(format!("it has {length} bytes; no more than {limit} are taken"));
    }
    let mut content = Vec::new();
    while let Some(bytes) = exchange.next(cancel)? {
        if bytes.len() as u64 > limit - content.len() as u64 {
            return server(format!("it does not end after {limit} bytes"));
        }
        content.extend(bytes);
    }
    Ok(content)
}
