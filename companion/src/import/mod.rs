//! `cones import`: from an ONNX export and the diffusers folder it was made from to a bundle.
//!
//! ```text
//! unet.onnx ─ projection (find K, V) ─ identify (which layer) ─ hoist (make them inputs) ─┐
//! text_encoder ─ interface (canonical names and types) ─ offsets (learned words) ─────────┼─ store (weights once) ─ bundle
//! vae ─ interface ─────────── of its mapped twin: rows (blocks of rows, in less memory) ─────┤
//! unet/*.safetensors ─ layers ─ attention (attention.safetensors, fingerprint) ───────────┘
//! *.json ─ config, tokenizer ─ manifest          vae_encoder ─ preview (latent to RGB)
//! ```

mod attention;
pub(crate) mod check;
pub mod command;
mod config;
mod error;
mod hoist;
mod identify;
pub(crate) mod interface;
mod json;
mod layers;
mod multihead;
mod offsets;
pub(crate) mod output;
mod pictures;
mod preview;
mod projection;
mod safetensors_file;
mod scheduler;
pub(crate) mod store;
mod tokenizer;

pub use command::{ImportArgs, Storage, run};
pub use error::{Error, Result};
