//! What a classifier found in a picture, and what was done with it.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::policy::SafetyPolicy;

/// What a classifier found in a picture, and what was done with it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Verdict {
    /// The classifier's score, mostly 0 (safe) to 1.
    pub score: f32,
    /// The score from which on a picture is not safe.
    pub threshold: f32,
    /// What was done with the picture.
    pub treatment: Treatment,
}

/// What was done with a picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Treatment {
    /// It is safe.
    Passed,
    /// It is not safe, and is as it was drawn.
    Reported,
    /// It is not safe, and was made unrecognisable.
    Blurred,
    /// It is not safe, and nobody gets its pixels.
    Refused,
}

impl Verdict {
    /// What comes of a score; the policy is not [`SafetyPolicy::Off`], or else counts as a report.
    pub(crate) fn new(score: f32, threshold: f32, policy: SafetyPolicy) -> Self {
        let treatment = match policy {
            _ if score < threshold => Treatment::Passed,
            SafetyPolicy::Blur => Treatment::Blurred,
            SafetyPolicy::Refuse => Treatment::Refused,
            SafetyPolicy::Report | SafetyPolicy::Off => Treatment::Reported,
        };
        Self { score, threshold, treatment }
    }

    /// Whether the picture was found safe.
    #[must_use]
    pub fn is_safe(&self) -> bool {
        self.treatment == Treatment::Passed
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let treatment = match self.treatment {
            Treatment::Passed => "passed",
            Treatment::Reported => "found not safe",
            Treatment::Blurred => "blurred",
            Treatment::Refused => "refused",
        };
        write!(f, "{treatment} by the safety classifier: score {:.3}, threshold {}", self.score, self.threshold)
    }
}
