//! From an ONNX export of a Stable Diffusion pipeline, and the diffusers folder it was made from, to a bundle that
//! `cones-core` draws with.
//!
//! ```text
//! unet.onnx ─ projection (find K, V) ─ identify (which layer) ─ hoist (make them inputs) ─┐
//! text_encoder ─ interface (canonical names and types) ─ offsets (learned words) ─────────┼─ store (weights once) ─ bundle
//! unet.onnx ─ text_projection (what comes before K, V: a graph of its own), side_by_side (half of what it draws)
//! vae ─ interface ─────────── of its mapped twin: rows (blocks of rows, in less memory) ─────┤
//! unet/*.safetensors ─ layers ─ attention (attention.safetensors, fingerprint) ───────────┘
//! *.json ─ config, tokenizer ─ manifest          vae_encoder ─ preview (latent to RGB)
//! LoRAs ─ lora ─ merge (into attention.safetensors and the graphs' weights)
//! bundle and export ─ parity (one step and one decode of both)
//! ```
//!
//! Weights may also be one file in the names of Stable Diffusion's first publication: weight_names. What is no model that can
//! be imported is named as what it is: [`kind`].
//!
//! Learned words, LoRAs and masks that people have become packs: [`embedding`], [`lora`], [`mask`].
//!
//! [`import`] does all of it; `examples/import_folder.rs` shows how. [`rows`] and [`profile`] stand on their own: a VAE's
//! graph in blocks of rows, and what graphs take of memory.

mod attention;
pub mod check;
mod config;
mod denoiser;
mod distance;
pub mod embedding;
pub mod error;
mod fixed;
mod flow_scheduler;
mod given_text;
mod hoist;
mod identify;
mod import;
mod import_options;
pub mod interface;
mod json;
pub mod kind;
mod layers;
mod layout;
mod look;
pub mod lora;
pub mod mask;
mod merge;
mod multihead;
mod offsets;
mod others;
pub mod output;
mod outward;
pub mod parity;
mod pictures;
mod posterior;
mod preview;
pub mod profile;
mod projection;
mod random;
pub mod rows;
mod runner;
mod safetensors_file;
pub mod safety;
mod sampling;
mod saving;
mod scheduler;
mod scheduler_class;
mod second_text;
mod side_by_side;
mod sizes;
pub mod skipped;
mod stage;
mod storage;
pub mod store;
mod text_config;
mod text_projection;
mod timestep;
mod tokenizer;
mod weight_names;
pub mod wrong_kind;

pub use embedding::Embedding;
pub use error::{Error, Result};
pub use import::import;
pub use import_options::ImportOptions;
pub use kind::Kind;
pub use lora::Lora;
pub use mask::MaskFile;
pub use merge::Merged;
pub use parity::Parity;
pub use stage::Stage;
pub use storage::Storage;
