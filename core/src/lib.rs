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
//!     cones_core::picture::writing::save(&drawn.picture, &drawn.recipe, "dog.png".as_ref())?;
//! }
//! # Ok(())
//! # }
//! ```

pub mod attention;
mod cancel;
pub mod clock;
pub mod disk;
mod engine;
mod error;
pub mod library;
pub mod memory;
pub mod model;
pub mod picture;
mod progress;
pub mod queue;
pub mod runtime;
pub mod safety;
pub mod sampling;
pub mod subjects;
pub mod text;
mod units;

pub use cancel::CancelToken;
pub use disk::hash::Sha256;
pub use engine::Engine;
pub use engine::hires::Hires;
pub use engine::micro_conditions::MicroConditions;
pub use engine::options::{EngineOptions, MemoryMode};
pub use engine::outcome::{Drawn, Generated, Refused, Timings};
pub use engine::request::{Init, Request};
pub use engine::word_box::WordBox;
pub use error::{Error, Result, with_sources};
#[cfg(feature = "network")]
pub use library::bundles::BundleStore;
pub use library::catalog::Catalog;
#[cfg(feature = "network")]
pub use library::catalog::PublicKey;
#[cfg(feature = "network")]
pub use library::download::Downloader;
pub use library::packs::PackStore;
pub use memory::{LoadForm, MemoryPlan};
pub use model::bundle::Bundle;
pub use model::form::Form;
pub use model::style::Style;
pub use picture::Picture;
pub use picture::inpaint::{Inpaint, Margins};
pub use progress::{Observer, Progress, Stage};
pub use runtime::execution_provider::ExecutionProvider;
pub use runtime::provider::Provider;
pub use safety::policy::SafetyPolicy;
pub use safety::verdict::{Treatment, Verdict};
pub use sampling::variation::Variation;
pub use subjects::low_rank::{LowRank, LowRankChange};
pub use subjects::mask::{ConceptMask, Overlap};
pub use subjects::pack::Pack;
pub use subjects::scope::Scope;
pub use subjects::subject::Subject;
pub use text::{GivenEmbeds, PromptEmbeds};
