//! What a request will take.

use super::arrangement::Arrangement;

/// What one stage takes.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct StageMemory {
    /// The graph's file.
    pub graph: &'static str,
    /// The most bytes at any moment of the stage, beside what the process holds anyway.
    pub peak: u64,
    /// How many of them are clean pages of files, which the system can take away.
    pub mapped: u64,
    /// Bytes that stay while the graph is loaded and does not run.
    pub held: u64,
}

/// What a request will take, before anything is loaded.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct MemoryPlan {
    /// How it is carried out.
    pub arrangement: Arrangement,
    /// What the stages take, in their order; empty where nothing is known.
    pub stages: Vec<StageMemory>,
    /// The most bytes at any moment, beside what the process holds anyway; `None` where nothing is known.
    pub peak: Option<u64>,
    /// What there is; `None` where neither the app nor the system says.
    pub budget: Option<u64>,
    /// Why this arrangement, in words.
    pub reason: String,
}
