//! A smaller form of a bundle, with the same fingerprint, so that the same packs serve it.
//!
//! ```text
//! graph ─ layer (which nodes have weights) ─┬─ weights (8 bits a channel, 4 bits a block) ────┐
//!                                           └─ calibrate (ranges, what each layer loses) ─ qdq ┴─ graphs ─ bundle
//! ```
//!
//! The weights of convolutions and linear layers change; biases, normalisations, the tokens' table and K/V weights
//! (`attention.safetensors`) stay. ONNX Runtime's Python tools for the same are what the tests compare with.
//!
//! [`quantise`] does all of it; `examples/smaller.rs` shows how.

mod attention;
mod blocks;
pub mod calibrate;
mod channel;
pub mod error;
mod graphs;
mod layer;
mod opset;
mod options;
pub mod prompts;
mod qdq;
mod quantise;
mod run;
mod weights;

pub use blocks::{BLOCK, Blocks, quantise as in_blocks};
pub use channel::{Channels, quantise as in_channels};
pub use error::{Error, Result};
pub use graphs::{Made, Static};
pub use layer::{Key, Layer};
pub use options::{Calibration, QuantiseOptions};
pub use quantise::{Stage, Told, quantise};
pub use weights::Done;
