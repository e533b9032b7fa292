//! Cones for Kotlin, Swift and Python.
//!
//! The only crate that knows UniFFI. It holds no logic: each function turns what came over the boundary into values of
//! `cones-core`, calls it, and turns the result back. Calls block; the hand-written layers on top of the generated code
//! put them on threads of their own. Listeners are called on the thread that made the call.
#![cfg(feature = "library")]

mod bundle;
mod bundle_store;
mod callback;
mod cancel;
mod catalog;
mod choices;
mod device;
mod download;
mod engine;
mod error;
mod generated;
mod given_embeds;
mod initialize;
mod inpaint;
mod listener;
mod logger;
mod margins;
mod memory;
mod micro_conditions;
mod pack_store;
mod picture;
mod queue;
mod queue_list;
mod recipe;
mod request;
mod safety;
mod style;
mod turn;
mod variation;
mod word_box;

pub use bundle::{BundleInfo, bundle_info, verify_bundle};
pub use bundle_store::{BundleStore, InstalledBundle};
pub use callback::CallbackError;
pub use cancel::CancelToken;
pub use catalog::{Catalog, CatalogBundle, CatalogInfo, CatalogPack};
pub use choices::{MemoryMode, Precision, Provider, Scheduler, Scope};
pub use device::{DeviceReport, ProviderReport, device_report};
pub use download::{DownloadListener, DownloadProgress};
pub use engine::{Engine, EngineOptions};
pub use error::ConesError;
pub use generated::{Generated, Timings};
pub use given_embeds::{GivenEmbeds, PromptEmbeds, SubjectWords};
pub use initialize::{InitConfig, initialize};
pub use inpaint::Inpaint;
pub use listener::{GenerateProgress, Listener, Preview, Stage};
pub use logger::{LogLevel, LogRecord, LogSink};
pub use margins::Margins;
pub use memory::{MemoryPlan, StageMemory};
pub use micro_conditions::{ImageSize, MicroConditions};
pub use pack_store::{DamagedPack, PackInfo, PackStore, read_pack};
pub use picture::{Picture, read_recipe};
pub use queue::{Queue, QueueOptions};
pub use queue_list::{QueueEntry, QueueList, QueueListener, QueueState};
pub use recipe::{InitRecipe, InpaintRecipe, Recipe, SubjectRecipe};
pub use request::{InitPicture, Request, SubjectChoice};
pub use safety::{RefusedPicture, SafetyPolicy, Treatment, Verdict};
pub use style::{Style, read_styles};
pub use variation::{Hires, Variation};
pub use word_box::{WordBox, boxes_apart};

uniffi::setup_scaffolding!("cones");
