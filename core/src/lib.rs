//! The on-device runtime of Cones: one ONNX diffusion model, any number of concept masks.
//!
//! ```text
//! prompt ─ tokenizer ─ text_encoder ─┐
//! subjects ─ mask ───────────────────┼─ attention (K, V once per prompt) ─┐
//! seed ─ noise ──────────────────────┴────────────────────────────────────┴─ denoise loop ─ vae ─ picture
//! ```
//!
//! The U-Net's graph takes the K and V of its cross-attention layers as inputs. Masks are applied where these are
//! computed, outside the graph, so that one fixed graph on any provider serves every subject.
//!
//! ```no_run
//! use cones_core::{Bundle, CancelToken, Engine, EngineOptions, Request};
//!
//! # fn main() -> cones_core::Result<()> {
//! let mut engine = Engine::new(Bundle::open("models/toybox/bundle")?, EngineOptions::default())?;
//! let generated = engine.generate(&Request::new("a dog on grass"), &mut (), &CancelToken::new())?;
//! for drawn in &generated.pictures {
//!     cones_core::recipe::save(&drawn.picture, &drawn.recipe, "dog.png".as_ref())?;
//! }
//! # Ok(())
//! # }
//! ```

pub mod atomic;
pub mod attention;
pub mod bundle;
pub mod bundle_store;
mod cancel;
pub mod catalog;
mod conditioning;
pub mod download;
mod engine;
mod error;
mod files;
pub mod fingerprint;
pub mod form;
mod generated;
mod graphs;
mod job;
mod lock;
pub mod manifest;
pub mod mapped;
mod mask;
pub mod memory;
pub mod noise;
mod offsets;
mod options;
pub mod pack;
mod picture;
mod preview;
mod progress;
pub mod prompt;
mod provider;
pub mod recipe;
mod request;
pub mod runtime;
pub mod scheduler;
mod session;
mod space;
pub mod store;
mod subject;
mod text_encoder;
pub mod tokenizer;
mod unet;

pub use bundle::Bundle;
pub use bundle_store::BundleStore;
pub use cancel::CancelToken;
pub use catalog::{Catalog, PublicKey};
pub use download::Downloader;
pub use engine::Engine;
pub use error::{Error, Result};
pub use form::Form;
pub use generated::{Drawn, Generated, Timings};
pub use mask::{ConceptMask, Overlap};
pub use memory::{LoadForm, MemoryPlan};
pub use options::{EngineOptions, MemoryMode};
pub use pack::Pack;
pub use picture::Picture;
pub use progress::{Observer, Progress, Stage};
pub use provider::Provider;
pub use request::{Init, Request};
pub use store::PackStore;
pub use subject::{Scope, Subject};
