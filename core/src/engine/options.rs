//! How an engine runs.

use std::path::PathBuf;

use crate::runtime::provider::Provider;

/// What stays in memory between and during pictures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum MemoryMode {
    /// The fastest of all ways that fits into the budget, decided for each request. A smaller way changes pictures by
    /// rounding at most.
    #[default]
    Auto,
    /// Every graph stays loaded once it was needed: fastest from the second picture on.
    Resident,
    /// Text encoder, U-Net and VAE are loaded and dropped in turn: the peak is the largest of them.
    Sequential,
    /// The same with weights left in their files, and one branch of guidance after another: the least memory.
    Least,
}

/// How an engine runs.
#[derive(Debug, Clone, Default)]
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
}
