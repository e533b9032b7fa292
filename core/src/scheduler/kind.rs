//! The schedulers by name.

use std::fmt;
use std::str::FromStr;

use crate::{Error, Result};

/// A scheduler.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Kind {
    /// `ddim`: Song et al. 2020, deterministic (η = 0); diffusers' `DDIMScheduler`.
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
}

impl Kind {
    /// Every scheduler, in the order of the help text.
    pub fn all() -> &'static [Kind] {
        &[
            Kind::Ddim,
            Kind::DpmSolverPlusPlus2M,
            Kind::DpmSolverPlusPlus2MKarras,
            Kind::Euler,
            Kind::EulerAncestral,
            Kind::Lcm,
        ]
    }

    /// Its name, as on the command line and in recipes.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Ddim => "ddim",
            Kind::DpmSolverPlusPlus2M => "dpm++2m",
            Kind::DpmSolverPlusPlus2MKarras => "dpm++2m-karras",
            Kind::Euler => "euler",
            Kind::EulerAncestral => "euler-a",
            Kind::Lcm => "lcm",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Kind {
    type Err = Error;

    /// # Errors
    /// [`Error::BadRequest`] naming `scheduler` and listing the names there are.
    fn from_str(name: &str) -> Result<Self> {
        Kind::all().iter().copied().find(|kind| kind.name() == name).ok_or_else(|| {
            let names: Vec<_> = Kind::all().iter().map(|kind| kind.name()).collect();
            Error::request("scheduler", format!("must be one of {}, not `{name}`", names.join(", ")))
        })
    }
}
