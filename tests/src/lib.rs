//! Helpers shared by the tests here and in the crates of `companion/`. They panic with a reason: a test that cannot read its data has
//! failed.

pub mod base;
pub mod classifier;
pub mod dense;
pub mod endure;
pub mod fixtures;
pub mod golden;
pub mod hostile;
pub mod made;
pub mod mend;
#[cfg(target_os = "linux")]
pub mod mounted;
pub mod packs;
pub mod psnr;
pub mod publisher;
pub mod server;
pub mod sheet;
pub mod small;
pub mod tiny;
