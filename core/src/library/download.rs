//! Getting a file over HTTP: resumed, bounded, hashed before anything is visible.
//!
//! ```no_run
//! use cones_core::library::download::{Downloader, Expected, Received};
//! use cones_core::{CancelToken, Sha256};
//!
//! # fn main() -> cones_core::Result<()> {
//! let expected = Expected { bytes: 3, sha256: Sha256::digest("abc") };
//! let mut watch = |received: Received<'_>| println!("{} of {}", received.bytes, received.total);
//! let url = "https://example.org/dog.cones";
//! Downloader::new().file(url, &expected, "dog.cones".as_ref(), &mut watch, &CancelToken::new())?;
//! # Ok(())
//! # }
//! ```

pub(crate) mod client;
mod exchange;
pub(crate) mod expected;
mod failure;
mod fetch;
mod getting;
mod head;
mod limits;
mod part;
mod patience;
pub(crate) mod received;
mod small;
mod worker;

pub use client::Downloader;
pub(crate) use client::SIGNATURE;
pub use expected::Expected;
pub use limits::Limits;
pub use received::{Received, Watch};
