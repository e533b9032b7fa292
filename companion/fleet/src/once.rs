//! Making what many need once: whoever comes first makes it, the others wait for it.

use std::future::Future;
use std::time::Duration;

use cones_core::CancelToken;
use tokio::time::sleep;

use crate::error::Result;
use crate::lease::{Claim, Lease, Leases};
use crate::place::Place;

/// How long the others wait before they look again, at least; and how long until they see that they are to stop.
const LEAST_WAIT: Duration = Duration::from_secs(1);

/// Whose turn it is.
#[derive(Debug)]
pub enum Turn {
    /// The object is there.
    There,
    /// It is to be made, by us.
    Ours(Lease),
    /// We were told to stop waiting.
    Stopped,
}

/// Waits until an object is there, or it is ours to make it; `key` is what its lease is called.
///
/// # Errors
/// What the store says.
pub async fn turn(place: &Place, leases: &Leases, key: &str, object: &str, cancel: &CancelToken) -> Result<Turn> {
    loop {
        if place.modified(object).await?.is_some() {
            return Ok(Turn::There);
        }
        match leases.claim(key, true, u32::MAX).await? {
            Claim::Won(lease) => {
                // It may have been made, and its lease removed, between the two questions.
                if place.modified(object).await?.is_none() {
                    return Ok(Turn::Ours(lease));
                }
                lease.tidy().await?;
            }
            Claim::Busy(newest) => {
                let looks = (leases.left(newest).as_secs() / 12).max(1);
                for _ in 0..looks {
                    if cancel.is_cancelled() {
                        return Ok(Turn::Stopped);
                    }
                    sleep(LEAST_WAIT).await;
                }
            }
            Claim::WornOut(..) => sleep(LEAST_WAIT).await,
        }
    }
}

/// Does something while a lease is kept; what is being done goes on if the lease is lost, for making a thing twice is no fault.
pub async fn kept<T>(lease: &mut Lease, work: impl Future<Output = T>) -> T {
    let mut work = std::pin::pin!(work);
    tokio::select! {
        biased;
        done = &mut work => return done,
        () = lease.keep() => {}
    }
    work.await
}
