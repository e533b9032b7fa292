//! What is done with pictures that are not safe.

/// What is done with a picture that the classifier finds not safe. Previews are treated alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq, uniffi::Enum)]
pub enum SafetyPolicy {
    /// It is shown beyond recognition, and its recipe says so.
    Blur,
    /// Nobody gets its pixels; it stands in `Generated.refused`.
    Refuse,
    /// It is shown as it is, with the verdict beside it.
    Report,
    /// No classifier is asked.
    Off,
}

/// What a classifier found in a picture, and what was done with it.
#[derive(Debug, Clone, Copy, PartialEq, uniffi::Record)]
pub struct Verdict {
    /// The classifier's score, mostly 0 (safe) to 1.
    pub score: f32,
    /// The score from which on a picture is not safe.
    pub threshold: f32,
    /// What was done with the picture.
    pub treatment: Treatment,
}

/// What was done with a picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, uniffi::Enum)]
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

/// A picture that was drawn and that nobody gets.
#[derive(Debug, Clone, Copy, PartialEq, uniffi::Record)]
pub struct RefusedPicture {
    /// Which picture of the request, from 0.
    pub picture: u32,
    /// Its seed.
    pub seed: u64,
    /// What the classifier found.
    pub verdict: Verdict,
}

impl From<SafetyPolicy> for cones_core::SafetyPolicy {
    fn from(policy: SafetyPolicy) -> Self {
        match policy {
            SafetyPolicy::Blur => Self::Blur,
            SafetyPolicy::Refuse => Self::Refuse,
            SafetyPolicy::Report => Self::Report,
            SafetyPolicy::Off => Self::Off,
        }
    }
}

impl From<cones_core::Verdict> for Verdict {
    fn from(verdict: cones_core::Verdict) -> Self {
        use cones_core::Treatment as Core;
        let treatment = match verdict.treatment {
            Core::Passed => Treatment::Passed,
            Core::Reported => Treatment::Reported,
            Core::Blurred => Treatment::Blurred,
            // And whatever is added: nothing is shown of what is not known to be shown.
            _ => Treatment::Refused,
        };
        Self { score: verdict.score, threshold: verdict.threshold, treatment }
    }
}

impl From<cones_core::Refused> for RefusedPicture {
    fn from(refused: cones_core::Refused) -> Self {
        Self { picture: refused.picture, seed: refused.seed, verdict: refused.verdict.into() }
    }
}
