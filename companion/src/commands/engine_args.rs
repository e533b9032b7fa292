//! Arguments that every drawing command shares.

use clap::Args;
use cones_core::{Bundle, CancelToken, Engine, EngineOptions, MemoryMode, Provider};

use crate::base_model::BundleArgs;
use crate::cli::Failure;
use crate::gradient::{self, Memory};
use crate::places::StoreArgs;

/// Where the bundle is and how it runs.
#[derive(Debug, Args)]
pub(super) struct EngineArgs {
    #[command(flatten)]
    bundle: BundleArgs,
    /// Where it runs: auto, cpu, cuda, coreml, xnnpack or nnapi.
    #[arg(long, default_value = "cpu")]
    pub(super) provider: Provider,
    /// Threads inside one node; all physical cores by default.
    #[arg(long, value_name = "N")]
    pub(super) threads: Option<usize>,
    /// Load text encoder, U-Net and VAE one after another: slower, and the peak is the largest of them.
    #[arg(long)]
    pub(super) low_memory: bool,
}

impl EngineArgs {
    /// Opens the bundle alone.
    pub(super) fn bundle(&self) -> Result<Bundle, Failure> {
        self.bundle.open()
    }

    /// How derivatives run.
    pub(super) fn gradient(&self) -> gradient::Settings {
        let memory = if self.low_memory { Memory::Low } else { Memory::Normal };
        gradient::Settings { provider: self.provider, threads: self.threads, memory }
    }

    /// Opens the bundle and makes the engine.
    pub(super) fn open(&self) -> Result<Engine, Failure> {
        self.open_with(self.bundle.open()?)
    }

    /// Makes an engine for another bundle, that runs as this one would.
    pub(super) fn open_with(&self, bundle: Bundle) -> Result<Engine, Failure> {
        let options = EngineOptions {
            provider: self.provider,
            memory: if self.low_memory { MemoryMode::Sequential } else { MemoryMode::Resident },
            threads: self.threads,
            cache: None,
        };
        Ok(Engine::new(bundle, options)?)
    }

    /// Where installed packs are.
    pub(super) fn store(&self) -> &StoreArgs {
        &self.bundle.store
    }
}

/// A token that Ctrl-C cancels. A second Ctrl-C ends the program at once.
pub(crate) fn cancelled_by_ctrl_c() -> Result<CancelToken, Failure> {
    let token = CancelToken::new();
    let handle = token.clone();
    ctrlc::set_handler(move || {
        if handle.is_cancelled() {
            std::process::exit(130);
        }
        handle.cancel();
    })?;
    Ok(token)
}
