//! How an engine runs.

use std::path::PathBuf;

use crate::runtime::provider::Provider;
use crate::safety::policy::SafetyPolicy;

/// What stays in memory between and during pictures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum MemoryMode {
    /// The fastest of all ways that fits into the budget, decided for each request. A smaller way changes pictures by
    /// rounding at most.
    #[default]
    Auto,
    /// Every graph stays loaded once it was needed: fastest from the second picture on.
    Resident,
    /// Text encoder, U-Net and VAE are loaded and dropped in turn: the peak is the largest of them.
    Sequential,
    /// Graphs are loaded and dropped in turn, their weights stay in their files, and one branch of guidance runs after
    /// another: the least memory.
    Least,
}

/// How an engine runs.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct EngineOptions {
    /// Where the U-Net, text encoder and VAE run.
    pub provider: Provider,
    /// What stays loaded.
    pub memory: MemoryMode,
    /// Bytes that drawing may take beside what the process holds anyway; `None` asks the system how many there are. A
    /// request that needs more is refused before anything is loaded.
    pub budget: Option<u64>,
    /// Threads inside one node; `None` takes one for each physical core.
    pub threads: Option<usize>,
    /// Folder for compiled models, for providers that compile (CoreML). Safe to delete.
    pub cache: Option<PathBuf>,
    /// What is done with pictures that a classifier finds not safe; `None` blurs them. Without a classifier nothing is found,
    /// and asking for anything but [`SafetyPolicy::Off`] is refused.
    pub safety: Option<SafetyPolicy>,
    /// A folder with a classifier (`safety.onnx` and `safety.json`) that is asked instead of the bundle's own.
    pub safety_classifier: Option<PathBuf>,
}

impl EngineOptions {
    /// Runs where `provider` says.
    #[must_use]
    pub fn with_provider(mut self, provider: Provider) -> Self {
        self.provider = provider;
        self
    }

    /// Keeps in memory what `mode` says.
    #[must_use]
    pub fn with_memory(mut self, mode: MemoryMode) -> Self {
        self.memory = mode;
        self
    }

    /// Takes no more than this many bytes.
    #[must_use]
    pub fn with_budget(mut self, bytes: u64) -> Self {
        self.budget = Some(bytes);
        self
    }

    /// Uses this many threads inside one node.
    #[must_use]
    pub fn with_threads(mut self, threads: usize) -> Self {
        self.threads = Some(threads);
        self
    }

    /// Does this with pictures that are not safe.
    #[must_use]
    pub fn with_safety(mut self, policy: SafetyPolicy) -> Self {
        self.safety = Some(policy);
        self
    }

    /// Asks the classifier in this folder.
    #[must_use]
    pub fn with_safety_classifier(mut self, folder: impl Into<PathBuf>) -> Self {
        self.safety_classifier = Some(folder.into());
        self
    }

    /// Keeps compiled models in this folder.
    #[must_use]
    pub fn with_cache(mut self, folder: impl Into<PathBuf>) -> Self {
        self.cache = Some(folder.into());
        self
    }
}
