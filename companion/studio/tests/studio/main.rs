//! The studio over real HTTP, on Toybox with a few steps: that it works, not how well it finds.

mod client;
mod desk;
mod refused;
mod story;
