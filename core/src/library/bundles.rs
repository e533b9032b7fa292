//! The base models that are installed on this device.
//!
//! Each is a folder that carries its name. A bundle is put together in a hidden folder of the same store and gets its
//! name at once when all of it is there and right; until then an older one of that name stays as it is. What came of an
//! interrupted install is gone on with by the next one, and cleared when nobody did for seven days.

mod choice;
mod expectation;
mod folder;
mod handover;
mod leftovers;
mod plan;
#[cfg(test)]
mod sample;
mod staging;
pub(crate) mod store;
mod trust;

pub use expectation::Expectation;
pub use handover::{Handover, Voucher};
pub use store::BundleStore;
