//! The choices of the core, as enums of the host's language.

/// Where the graphs run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, uniffi::Enum)]
pub enum Provider {
    /// The fastest that works on this device: CUDA, then CoreML, else CPU. Never NNAPI or XNNPACK.
    Auto,
    /// ONNX Runtime's own CPU kernels.
    Cpu,
    /// NVIDIA GPUs.
    Cuda,
    /// Apple's Neural Engine and GPU.
    CoreMl,
    /// CPU kernels for phones.
    Xnnpack,
    /// Android's deprecated neural network interface.
    Nnapi,
}

impl From<Provider> for cones_core::Provider {
    fn from(provider: Provider) -> Self {
        match provider {
            Provider::Auto => Self::Auto,
            Provider::Cpu => Self::Cpu,
            Provider::Cuda => Self::Cuda,
            Provider::CoreMl => Self::CoreMl,
            Provider::Xnnpack => Self::Xnnpack,
            Provider::Nnapi => Self::Nnapi,
        }
    }
}

/// What stays in memory between and during pictures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, uniffi::Enum)]
pub enum MemoryMode {
    /// The fastest of all ways that fits into the budget, decided for each request. A smaller way changes pictures by
    /// rounding at most.
    Auto,
    /// Every graph stays loaded once it was needed: fastest from the second picture on.
    Resident,
    /// Text encoder, U-Net and VAE are loaded and dropped in turn: the peak is the largest of them.
    Sequential,
    /// Graphs loaded and dropped in turn with their weights left in their files, and one branch of guidance after another: the least memory.
    Least,
}

impl From<MemoryMode> for cones_core::MemoryMode {
    fn from(mode: MemoryMode) -> Self {
        match mode {
            MemoryMode::Auto => Self::Auto,
            MemoryMode::Resident => Self::Resident,
            MemoryMode::Sequential => Self::Sequential,
            MemoryMode::Least => Self::Least,
        }
    }
}

/// Which rows of K and V a subject changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, uniffi::Enum)]
pub enum Scope {
    /// All rows of prompt and negative prompt.
    Prompt,
    /// The rows of the subject's trigger tokens only; a prompt without the trigger is drawn as by the base model.
    Trigger,
}

impl From<Scope> for cones_core::Scope {
    fn from(scope: Scope) -> Self {
        match scope {
            Scope::Prompt => Self::Prompt,
            Scope::Trigger => Self::Trigger,
        }
    }
}

impl From<cones_core::Scope> for Scope {
    fn from(scope: cones_core::Scope) -> Self {
        match scope {
            cones_core::Scope::Prompt => Self::Prompt,
            cones_core::Scope::Trigger => Self::Trigger,
        }
    }
}

/// What a pack keeps of a subject: per neuron, or of whole matrices.
#[derive(Debug, Clone, Copy, PartialEq, Eq, uniffi::Enum)]
pub enum Precision {
    /// Nothing: the weight is shut.
    Binary,
    /// One of four factors.
    Quaternary,
    /// A factor as float16.
    Float16,
    /// A factor as float32.
    Float32,
    /// No neurons: the two thin float16 matrices for each layer that a LoRA adds to it.
    LowRank,
}

impl From<cones_core::subjects::pack::Precision> for Precision {
    fn from(precision: cones_core::subjects::pack::Precision) -> Self {
        use cones_core::subjects::pack::Precision as Core;
        match precision {
            Core::Binary => Self::Binary,
            Core::Quaternary => Self::Quaternary,
            Core::Float16 => Self::Float16,
            Core::Float32 => Self::Float32,
            Core::LowRank => Self::LowRank,
        }
    }
}

/// How noise becomes a picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, uniffi::Enum)]
pub enum Scheduler {
    /// `ddim`: deterministic.
    Ddim,
    /// `dpm++2m`: second order, good at few steps.
    DpmSolver,
    /// `dpm++2m-karras`: the same on other noise levels.
    DpmSolverKarras,
    /// `euler`.
    Euler,
    /// `euler-a`: with fresh noise at each step.
    EulerAncestral,
    /// `lcm`: for models distilled for it.
    Lcm,
    /// `tcd`: for models distilled for it.
    Tcd,
}

impl Scheduler {
    const ALL: [Self; 7] =
        [Self::Ddim, Self::DpmSolver, Self::DpmSolverKarras, Self::Euler, Self::EulerAncestral, Self::Lcm, Self::Tcd];

    /// The core's own; there is one for each of its.
    pub(crate) fn of(scheduler: cones_core::sampling::scheduler::Scheduler) -> Option<Self> {
        Self::ALL.into_iter().find(|&own| cones_core::sampling::scheduler::Scheduler::from(own) == scheduler)
    }
}

impl From<Scheduler> for cones_core::sampling::scheduler::Scheduler {
    fn from(scheduler: Scheduler) -> Self {
        match scheduler {
            Scheduler::Ddim => Self::Ddim,
            Scheduler::DpmSolver => Self::DpmSolverPlusPlus2M,
            Scheduler::DpmSolverKarras => Self::DpmSolverPlusPlus2MKarras,
            Scheduler::Euler => Self::Euler,
            Scheduler::EulerAncestral => Self::EulerAncestral,
            Scheduler::Lcm => Self::Lcm,
            Scheduler::Tcd => Self::Tcd,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_scheduler_of_the_core_is_there() {
        for &scheduler in cones_core::sampling::scheduler::Scheduler::all() {
            assert!(Scheduler::of(scheduler).is_some(), "{scheduler}");
        }
    }
}
