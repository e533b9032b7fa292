//! Arguments that every drawing command shares.

use std::path::PathBuf;

use clap::Args;
use cones_core::{Bundle, CancelToken, Engine, EngineOptions, MemoryMode, Provider, SafetyPolicy};
use cones_gradient::{GradientOptions, Memory};

use super::safety_args::SafetyArgs;
use crate::base_model::BundleArgs;
use crate::failure::Failure;
use crate::places::StoreArgs;
use crate::ranges;

/// Where the bundle is and how it runs.
#[derive(Debug, Args)]
pub(super) struct EngineArgs {
    #[command(flatten)]
    bundle: BundleArgs,
    /// Where it runs: auto, cpu, cuda, coreml, xnnpack or nnapi.
    #[arg(long, default_value = "cpu")]
    pub(super) provider: Provider,
    /// Threads inside one node; all physical cores by default.
    #[arg(long, value_name = "N", value_parser = ranges::threads)]
    pub(super) threads: Option<usize>,
    /// The least memory: weights stay in their files, text encoder, U-Net and VAE are loaded one after another, and so run
    /// the branches of guidance. Without it the fastest way that fits is taken.
    #[arg(long)]
    pub(super) low_memory: bool,
    /// Memory that may be taken, as 1500M or 4G; by default what the system says there is.
    #[arg(long, value_name = "BYTES", value_parser = budget)]
    pub(super) memory_budget: Option<u64>,
    /// Folder for compiled models, for providers that compile (CoreML). Safe to delete.
    #[arg(long, value_name = "FOLDER")]
    pub(super) cache: Option<PathBuf>,
}

impl EngineArgs {
    /// Opens the bundle alone.
    pub(super) fn bundle(&self) -> Result<Bundle, Failure> {
        self.bundle.open()
    }

    /// How derivatives of a bundle run.
    pub(super) fn gradient(&self, bundle: &Bundle) -> Result<GradientOptions, Failure> {
        let memory = if self.low_memory { Memory::Low } else { Memory::Normal };
        let provider = self.provider.resolve(bundle.manifest().form.as_ref())?;
        Ok(GradientOptions { provider, threads: self.threads, memory })
    }

    /// Opens the bundle and makes the engine.
    pub(super) fn open(&self) -> Result<Engine, Failure> {
        self.open_with(self.bundle.open()?)
    }

    /// Opens the bundle and makes an engine for pictures that people are shown: its classifier looks at them.
    pub(super) fn open_shown(&self, safety: &SafetyArgs) -> Result<Engine, Failure> {
        Ok(Engine::new(self.bundle.open()?, safety.applied(self.options()))?)
    }

    /// Makes an engine for another bundle, that runs as this one would.
    pub(super) fn open_with(&self, bundle: Bundle) -> Result<Engine, Failure> {
        Ok(Engine::new(bundle, self.options())?)
    }

    /// How the engine runs. No classifier is asked: what is measured or learned from is what is drawn.
    pub(super) fn options(&self) -> EngineOptions {
        let mut options = EngineOptions::default().with_provider(self.provider).with_safety(SafetyPolicy::Off);
        options.memory = if self.low_memory { MemoryMode::Least } else { MemoryMode::Auto };
        options.budget = self.memory_budget;
        options.threads = self.threads;
        options.cache.clone_from(&self.cache);
        options
    }

    /// Where installed packs are.
    pub(super) fn store(&self) -> &StoreArgs {
        &self.bundle.store
    }
}

/// Bytes, with K, M or G behind the number for thousands, millions or billions of them.
fn budget(text: &str) -> Result<u64, String> {
    let (number, unit) = match text.to_ascii_uppercase().trim_end_matches('B') {
        text if text.ends_with('K') => (text.trim_end_matches('K').to_owned(), 1e3),
        text if text.ends_with('M') => (text.trim_end_matches('M').to_owned(), 1e6),
        text if text.ends_with('G') => (text.trim_end_matches('G').to_owned(), 1e9),
        text => (text.to_owned(), 1.0),
    };
    let bytes = number.trim().parse::<f64>().ok().map(|number| number * unit);
    let bytes = bytes.filter(|bytes| bytes.is_finite() && *bytes >= 1.0);
    bytes.map(|bytes| bytes as u64).ok_or_else(|| format!("`{text}` is no number of bytes above 0, as 1500M or 4G"))
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
