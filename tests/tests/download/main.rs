//! Downloads from a local server that misbehaves on purpose. All of it takes below 15 s on two slow cores.

mod bodies;
mod cancelling;
mod processes;
mod redirects;
mod resuming;
mod retries;
mod secure;
mod setup;
mod small;
