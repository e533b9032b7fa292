//! The exported surface, driven from Rust as a host drives it. About 20 s on two slow cores.

mod base;
mod cancelling;
mod downloads;
mod errors;
mod listeners;
mod packs;
mod pictures;
mod queueing;
mod safety;
mod threads;
