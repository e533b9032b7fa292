//! What the engine promises: exact switching, cancelling, progress, memory modes, and typed errors.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "tests say what they measure and skip")]

mod boxes;
mod cancelling;
mod embeds;
mod enduring;
mod inpainting;
mod keys_and_values;
mod memory;
mod modes;
mod not_finite;
mod progress;
mod providers;
mod queue;
mod requests;
mod safety;
mod shared_triggers;
mod switching;
mod two_passes;
mod weights;

use std::sync::Arc;

use cones_core::{Bundle, ConceptMask, Request, Subject};

/// A short request: enough steps for a picture to depend on everything.
fn request(prompt: &str) -> Request {
    let mut request = Request::new(prompt);
    request.steps = Some(4);
    request.seed = 11;
    request
}

/// A subject of 5 % of the weights.
fn subject(bundle: &Bundle, seed: u64) -> Subject {
    let mask = Arc::new(ConceptMask::random(&bundle.manifest().layers, 0.05, seed));
    Subject::new(format!("random {seed}"), mask)
}
