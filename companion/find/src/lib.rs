//! Finding the concept neurons of a subject.
//!
//! ```text
//! pictures, prompts ─ prepare ─ examples ─ batch ─┐
//! bundle's Wk, Wv ─ method: where? ─ projection ──┴─ objective (the device's graph, differentiated) ─ method: learn
//!                                                       └ held-out noise ─ how many neurons ─ mask
//! ```
//!
//! A [`method`] says at which weights it wants the gradient of the concept-implanting loss, and scores the weights by
//! what it learned. Where it is asked for, the embedding of the trigger's new word is learned beside them
//! ([`trigger_embedding`]), by an objective around the other ([`trigger_objective`]). How many of the highest scores become
//! the mask is decided on held-out noise and timesteps.
//!
//! [`find`] does all of it; `examples/find_neurons.rs` shows how. [`tune`] trains factors of several packs for pictures
//! with all of their subjects.

pub mod batch;
mod beside;
pub mod cache;
pub mod checkpoint;
pub mod drawing;
mod error;
pub mod examples;
pub mod factors;
mod find;
pub mod finder;
pub mod graph_objective;
pub mod held_out;
pub mod joint;
pub mod looks;
pub mod method;
pub mod objective;
pub mod observer;
pub mod photos;
pub mod pictures;
pub mod prepare;
pub mod progress;
pub mod projection;
pub mod prompts;
pub mod random;
pub mod record;
mod room;
pub mod selection;
pub mod timesteps;
pub mod trigger_embedding;
pub mod trigger_objective;
mod tune;
pub mod union;
pub mod warnings;
pub mod weights;

pub use error::{Error, Result};
pub use find::{FindOptions, Found, find, make_shared, shared_file};
pub use observer::FindObserver;
pub use tune::{TuneOptions, Tuned, tune};
