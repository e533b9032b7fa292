//! The schedulers of diffusers that take a model trained on Stable Diffusion's noise: what each has where its
//! configuration is silent, and which of ours draws as it does or nearly so.

use cones_core::sampling::scheduler::Scheduler;

use crate::error::Result;
use crate::json::Json;

/// One class of diffusers.
#[derive(Debug, Clone, Copy)]
pub(super) struct SchedulerClass {
    pub(super) name: &'static str,
    pub(super) beta_start: f64,
    pub(super) beta_end: f64,
    pub(super) beta_schedule: &'static str,
    pub(super) timestep_spacing: &'static str,
    pub(super) set_alpha_to_one: bool,
    /// The scheduler that is taken where nobody names one.
    pub(super) drawn_with: Scheduler,
    /// Whether that is the class itself and not one like it.
    pub(super) is_itself: bool,
}

impl SchedulerClass {
    /// Whether it visits steps of the schedule that a model was distilled on.
    pub(super) fn is_distilled(&self) -> bool {
        [Scheduler::Lcm, Scheduler::Tcd].contains(&self.drawn_with)
    }
}

/// With the noise of most classes: linear betas, from and to what DDPM had.
const fn usual(name: &'static str, timestep_spacing: &'static str, drawn_with: Scheduler) -> SchedulerClass {
    let (beta_start, beta_end) = (0.0001, 0.02);
    let beta_schedule = "linear";
    let (set_alpha_to_one, is_itself) = (true, false);
    SchedulerClass {
        name,
        beta_start,
        beta_end,
        beta_schedule,
        timestep_spacing,
        set_alpha_to_one,
        drawn_with,
        is_itself,
    }
}

/// With Stable Diffusion's betas.
const fn stable(name: &'static str, beta_schedule: &'static str, drawn_with: Scheduler) -> SchedulerClass {
    SchedulerClass { beta_start: 0.00085, beta_end: 0.012, beta_schedule, ..usual(name, "linspace", drawn_with) }
}

const fn itself(class: SchedulerClass) -> SchedulerClass {
    SchedulerClass { is_itself: true, ..class }
}

const fn leading(class: SchedulerClass) -> SchedulerClass {
    SchedulerClass { timestep_spacing: "leading", ..class }
}

const CLASSES: &[SchedulerClass] = {
    use Scheduler::{Ddim, DpmSolverPlusPlus2M, Euler, EulerAncestral, Lcm, Tcd};
    &[
        itself(usual("DDIMScheduler", "leading", Ddim)),
        usual("DDIMParallelScheduler", "leading", Ddim),
        usual("DDPMScheduler", "leading", Ddim),
        usual("DDPMParallelScheduler", "leading", Ddim),
        SchedulerClass { set_alpha_to_one: false, ..usual("PNDMScheduler", "leading", Ddim) },
        itself(usual("EulerDiscreteScheduler", "linspace", Euler)),
        usual("LMSDiscreteScheduler", "linspace", Euler),
        stable("HeunDiscreteScheduler", "linear", Euler),
        stable("KDPM2DiscreteScheduler", "linear", Euler),
        itself(usual("EulerAncestralDiscreteScheduler", "linspace", EulerAncestral)),
        stable("KDPM2AncestralDiscreteScheduler", "linear", EulerAncestral),
        itself(usual("DPMSolverMultistepScheduler", "linspace", DpmSolverPlusPlus2M)),
        usual("DPMSolverSinglestepScheduler", "linspace", DpmSolverPlusPlus2M),
        stable("DPMSolverSDEScheduler", "linear", DpmSolverPlusPlus2M),
        usual("DEISMultistepScheduler", "linspace", DpmSolverPlusPlus2M),
        usual("UniPCMultistepScheduler", "linspace", DpmSolverPlusPlus2M),
        usual("SASolverScheduler", "linspace", DpmSolverPlusPlus2M),
        itself(leading(stable("LCMScheduler", "scaled_linear", Lcm))),
        itself(leading(stable("TCDScheduler", "scaled_linear", Tcd))),
    ]
};

/// The class of a configuration; DDIM's where none is named.
pub(super) fn class_named_in(json: &Json) -> Result<&'static SchedulerClass> {
    let name = json.str_or("_class_name", CLASSES[0].name)?;
    CLASSES.iter().find(|class| class.name == name).ok_or_else(|| {
        let known: Vec<&str> = CLASSES.iter().map(|class| class.name).collect();
        json.unknown_class("_class_name", "a scheduler", &known)
    })
}
