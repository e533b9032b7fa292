//! What a request will take of memory.

/// What a request will take of memory, and how it is carried out for that.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct MemoryPlan {
    /// Whether weights stay in their files; else they are converted and packed, which is faster and takes the most.
    pub mapped: bool,
    /// Whether each graph is dropped once it was used.
    pub sequential: bool,
    /// Whether the branches of guidance run one after another.
    pub apart: bool,
    /// The most bytes at any moment, beside what the process holds anyway; `None` where nothing is known.
    pub peak: Option<u64>,
    /// Bytes that there are; `None` where neither the app nor the system says.
    pub budget: Option<u64>,
    /// What the graphs take, in their order; empty where nothing is known.
    pub stages: Vec<StageMemory>,
    /// Why it is carried out so.
    pub reason: String,
}

/// What one graph takes.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct StageMemory {
    /// Its file.
    pub graph: String,
    /// The most bytes at any moment while it is loaded and runs.
    pub peak: u64,
    /// How many of them are clean pages of files, which the system can take away.
    pub mapped: u64,
}

impl From<cones_core::MemoryPlan> for MemoryPlan {
    fn from(plan: cones_core::MemoryPlan) -> Self {
        let stage = |stage: cones_core::memory::StageMemory| StageMemory {
            graph: stage.graph.into(),
            peak: stage.peak,
            mapped: stage.mapped,
        };
        Self {
            mapped: plan.arrangement.form == cones_core::LoadForm::Mapped,
            sequential: plan.arrangement.sequential,
            apart: plan.arrangement.apart,
            peak: plan.peak,
            budget: plan.budget,
            stages: plan.stages.into_iter().map(stage).collect(),
            reason: plan.reason,
        }
    }
}
