//! The schedulers by name.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::error::{Error, Result};

/// A scheduler; written in `bundle.json` and recipes by its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Scheduler {
    /// `ddim`: Song et al. 2020, deterministic unless an `eta` is given; diffusers' `DDIMScheduler`.
    Ddim,
    /// `dpm++2m`: Lu et al. 2022, second-order multistep; diffusers' `DPMSolverMultistepScheduler`.
    DpmSolverPlusPlus2M,
    /// `dpm++2m-karras`: the same on the noise levels of Karras et al. 2022 (`use_karras_sigmas`).
    DpmSolverPlusPlus2MKarras,
    /// `euler`: Karras et al. 2022, algorithm 2 without churn; diffusers' `EulerDiscreteScheduler`.
    Euler,
    /// `euler-a`: Euler steps with fresh noise; diffusers' `EulerAncestralDiscreteScheduler`.
    EulerAncestral,
    /// `lcm`: latent consistency models, Luo et al. 2023, for models distilled for it; diffusers' `LCMScheduler`.
    Lcm,
    /// `tcd`: trajectory consistency distillation, Zheng et al. 2024, for models distilled for it; diffusers' `TCDScheduler`.
    Tcd,
}

impl Scheduler {
    /// Every scheduler, in the order of the help text.
    pub fn all() -> &'static [Scheduler] {
        &[
            Scheduler::Ddim,
            Scheduler::DpmSolverPlusPlus2M,
            Scheduler::DpmSolverPlusPlus2MKarras,
            Scheduler::Euler,
            Scheduler::EulerAncestral,
            Scheduler::Lcm,
            Scheduler::Tcd,
        ]
    }

    /// Its name, as on the command line and in recipes.
    pub fn name(self) -> &'static str {
        match self {
            Scheduler::Ddim => "ddim",
            Scheduler::DpmSolverPlusPlus2M => "dpm++2m",
            Scheduler::DpmSolverPlusPlus2MKarras => "dpm++2m-karras",
            Scheduler::Euler => "euler",
            Scheduler::EulerAncestral => "euler-a",
            Scheduler::Lcm => "lcm",
            Scheduler::Tcd => "tcd",
        }
    }

    /// How much of each step's noise is fresh where nobody says, 0 to 1: diffusers' `eta`, of those that take one; none for
    /// others.
    pub fn eta(self) -> Option<f32> {
        match self {
            Scheduler::Ddim => Some(0.0),
            Scheduler::Tcd => Some(0.3),
            _ => None,
        }
    }
}

impl fmt::Display for Scheduler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Scheduler {
    type Err = Error;

    /// # Errors
    /// [`Error::BadRequest`] naming `scheduler` and listing the names there are.
    fn from_str(name: &str) -> Result<Self> {
        Scheduler::all().iter().copied().find(|kind| kind.name() == name).ok_or_else(|| {
            let names: Vec<_> = Scheduler::all().iter().map(|kind| kind.name()).collect();
            Error::request("scheduler", format!("must be one of {}, not `{name}`", names.join(", ")))
        })
    }
}

impl Serialize for Scheduler {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

impl<'de> Deserialize<'de> for Scheduler {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = std::borrow::Cow::<str>::deserialize(deserializer)?;
        name.parse().map_err(serde::de::Error::custom)
    }
}
