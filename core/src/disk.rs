//! Files that are whole or absent: atomic writes, locks between processes, hashes, names and free space.

pub mod atomic;
pub(crate) mod files;
pub mod hash;
pub(crate) mod lock;
pub(crate) mod space;
