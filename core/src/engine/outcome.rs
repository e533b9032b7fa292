//! What a request came to.

use std::time::Duration;

use crate::memory::MemoryPlan;
use crate::picture::Picture;
use crate::picture::recipe::Recipe;
use crate::safety::verdict::Verdict;

/// A finished picture.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Drawn {
    /// The pixels.
    pub picture: Picture,
    /// How to draw it again.
    pub recipe: Recipe,
    /// What the safety classifier found in it and what was done with it; `None` where none was asked.
    pub verdict: Option<Verdict>,
}

/// A picture that was drawn and that nobody gets: under [`SafetyPolicy::Refuse`](crate::SafetyPolicy::Refuse).
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct Refused {
    /// Which picture of the request, from 0.
    pub picture: u32,
    /// Its seed.
    pub seed: u64,
    /// What the safety classifier found.
    pub verdict: Verdict,
}

/// What a request came to.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Generated {
    /// The pictures in the order of their seeds, without those that the observer kept.
    pub pictures: Vec<Drawn>,
    /// Pictures that are not among them since they are not safe.
    pub refused: Vec<Refused>,
    /// What the caller may want to show, such as a cut prompt.
    pub warnings: Vec<String>,
    /// Where the time went.
    pub timings: Timings,
    /// What was expected to be taken of memory, and how the request was carried out for that.
    pub memory: MemoryPlan,
}

impl Generated {
    /// What a further pass of the same request came to.
    pub(crate) fn add(&mut self, other: Self) {
        self.pictures.extend(other.pictures);
        self.warnings
            .extend(other.warnings.into_iter().filter(|warning| !self.warnings.contains(warning)).collect::<Vec<_>>());
        self.timings.add(&other.timings);
        self.refused.extend(other.refused);
        self.memory = other.memory;
    }
}

impl Timings {
    /// A run of a text encoder.
    pub(crate) fn encoded(&mut self, time: Duration) {
        self.runtime += time;
        self.text += time;
    }

    fn add(&mut self, other: &Self) {
        self.total += other.total;
        self.loading += other.loading;
        self.runtime += other.runtime;
        self.unet += other.unet;
        self.text += other.text;
        self.decoding += other.decoding;
        self.projecting += other.projecting;
        self.switching += other.switching;
        self.checking += other.checking;
        self.steps += other.steps;
    }
}

/// Where the time of a request went.
#[derive(Debug, Clone, Copy, Default)]
#[non_exhaustive]
pub struct Timings {
    /// From the call to the return.
    pub total: Duration,
    /// Loading graphs, inside `total`.
    pub loading: Duration,
    /// Inside ONNX Runtime's run calls, inside `total`.
    pub runtime: Duration,
    /// Inside the U-Net alone, inside `runtime`.
    pub unet: Duration,
    /// Inside the text encoders alone, inside `runtime`.
    pub text: Duration,
    /// Inside the VAE's decoder alone, inside `runtime`.
    pub decoding: Duration,
    /// Asking the safety classifier, loading it included, pictures and previews.
    pub checking: Duration,
    /// The base products of prompts that were not held yet.
    pub projecting: Duration,
    /// Applying the subjects' masks and making K and V from the base products, both branches.
    pub switching: Duration,
    /// U-Net calls.
    pub steps: u32,
}
