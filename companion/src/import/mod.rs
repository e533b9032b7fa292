//! `cones import`: from an ONNX export and the diffusers folder it was made from to a bundle.
//!
//! ```text
//! unet.onnx ─ projection (find K, V) ─ identify (which layer) ─ hoist (make them inputs) ─┐
//! text_encoder, vae ─ interface (canonical names and types) ──────────────────────────────┼─ store (weights once) ─ bundle
//! unet/*.safetensors ─ layers ─ attention (attention.safetensors, fingerprint) ───────────┘
//! *.json ─ config, tokenizer ─ manifest          vae_encoder ─ preview (latent to RGB)
//! ```

mod attention;
mod check;
pub mod command;
mod config;
mod error;
mod hoist;
mod identify;
mod interface;
mod json;
mod layers;
mod output;
mod pictures;
mod preview;
mod projection;
mod safetensors_file;
mod scheduler;
mod store;
mod tokenizer;

pub use command::{ImportArgs, Storage, run};
pub use error::{Error, Result};
