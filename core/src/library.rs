//! What is installed on a device and how it gets there: stores of packs and of base models, signed catalogues, downloads; and
//! files of styles.
#![cfg_attr(not(feature = "network"), allow(dead_code, reason = "some of it is for catalogues alone"))]

#[cfg(feature = "network")]
pub(crate) mod address;
#[cfg(feature = "network")]
pub mod bundles;
pub mod catalog;
#[cfg(feature = "network")]
pub mod download;
pub mod packs;
#[cfg(feature = "network")]
mod signed;
#[cfg(feature = "network")]
mod source;
pub mod styles;
pub mod trust;

#[cfg(feature = "network")]
pub use source::Source;
