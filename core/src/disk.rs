//! Files that are whole or absent: atomic writes, locks between processes, hashes, names and free space.
#![cfg_attr(not(feature = "network"), allow(dead_code, reason = "some are for downloads alone"))]

pub(crate) mod age;
pub mod atomic;
pub(crate) mod files;
pub mod hash;
pub mod lock;
pub(crate) mod space;
