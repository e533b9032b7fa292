//! How an engine runs.

use std::path::PathBuf;

use crate::Provider;

/// What stays in memory between and during pictures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum MemoryMode {
    /// Every graph stays loaded once it was needed: fastest from the second picture on.
    #[default]
    Resident,
    /// Text encoder, U-Net and VAE are loaded and dropped in turn: the peak is the largest of them.
    Sequential,
}

/// How an engine runs.
#[derive(Debug, Clone, Default)]
pub struct EngineOptions {
    /// Where the U-Net, text encoder and VAE run.
    pub provider: Provider,
    /// What stays loaded.
    pub memory: MemoryMode,
    /// Threads inside one node; `None` takes one for each physical core.
    pub threads: Option<usize>,
    /// Folder for compiled models, for providers that compile (CoreML). Safe to delete.
    pub cache: Option<PathBuf>,
}
