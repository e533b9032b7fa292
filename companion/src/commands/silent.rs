//! What the base model decides where a request is silent.

use std::fmt;

use cones_core::model::manifest::Manifest;
use cones_core::sampling::scheduler::Scheduler;
use cones_core::{Bundle, Request};
use serde::Serialize;

/// Values that come from the bundle's defaults.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct Silent {
    #[serde(skip)]
    bundle: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    scheduler: Option<Scheduler>,
    #[serde(skip_serializing_if = "Option::is_none")]
    steps: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    guidance: Option<f32>,
}

impl Silent {
    /// What a request leaves to the bundle; nothing where it leaves nothing.
    pub(super) fn of(request: &Request, bundle: &Bundle) -> Option<Self> {
        Self::of_manifest(request, bundle.manifest())
    }

    fn of_manifest(request: &Request, manifest: &Manifest) -> Option<Self> {
        let defaults = &manifest.defaults;
        let silent = Self {
            bundle: manifest.name.clone(),
            scheduler: request.scheduler.is_none().then_some(defaults.scheduler),
            steps: request.steps.is_none().then_some(defaults.steps),
            guidance: request.guidance.is_none().then_some(defaults.guidance),
        };
        let says_something = silent.scheduler.is_some() || silent.steps.is_some() || silent.guidance.is_some();
        says_something.then_some(silent)
    }
}

impl fmt::Display for Silent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts = [
            self.scheduler.map(|scheduler| scheduler.to_string()),
            self.steps.map(|steps| format!("{steps} {}", if steps == 1 { "step" } else { "steps" })),
            self.guidance.map(|guidance| format!("guidance {guidance}")),
        ];
        let parts: Vec<String> = parts.into_iter().flatten().collect();
        write!(f, "as `{}` has it: {}", self.bundle, parts.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use cones_core::Sha256;
    use cones_core::model::manifest::Defaults;

    use super::*;

    #[test]
    fn what_is_not_asked_for_is_said() {
        let mut manifest = Manifest::new("turbo", Sha256::digest(b""), Vec::new());
        manifest.defaults = Defaults::new(1, 0.0, Scheduler::Euler);
        let told = |request: Request| Silent::of_manifest(&request, &manifest).map(|silent| silent.to_string());
        let request = Request::new("a dog");
        assert_eq!(told(request.clone()).as_deref(), Some("as `turbo` has it: euler, 1 step, guidance 0"));
        assert_eq!(told(request.clone().with_steps(2)).as_deref(), Some("as `turbo` has it: euler, guidance 0"));
        assert_eq!(told(request.with_steps(2).with_guidance(1.0).with_scheduler(Scheduler::Lcm)), None);
    }
}
