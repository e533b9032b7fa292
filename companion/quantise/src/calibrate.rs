//! What activations a graph has, over real prompts and timesteps.
//!
//! ```text
//! prompts ─ the engine's denoise loop ─ samples (latent, timestep, K and V) ─┐
//! graph ─ probe (extremes, histograms as further outputs) ───────────────────┴─ ranges
//! graph ─ switched (each layer in 8 bits where a flag says so) ─ loss of each layer alone
//! ```

mod extremes;
pub mod histogram;
mod histograms;
mod loss;
mod method;
mod range;
mod ranges;
pub(crate) mod samples;
mod switched;

pub use loss::Loss;
pub(crate) use loss::measure;
pub use method::Method;
pub use range::Range;
pub(crate) use ranges::find;
pub use ranges::{LayerRange, Ranges};
