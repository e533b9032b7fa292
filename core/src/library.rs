//! What is installed on a device and how it gets there: stores of packs and of base models, signed catalogues, downloads.

pub(crate) mod address;
pub mod bundles;
pub mod catalog;
pub mod download;
pub mod packs;
mod source;

pub use source::Source;
