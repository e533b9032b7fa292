//! What a generation tells while it runs.

use crate::engine::outcome::{Drawn, Refused};
use crate::picture::Picture;
use crate::safety::verdict::Verdict;

/// What is being done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Stage {
    /// Loading graphs and encoding the prompt.
    Preparing,
    /// A denoising step has ended.
    Denoising,
    /// The last latent is being decoded.
    Decoding,
    /// A picture is finished.
    Finished,
}

/// One small record per step.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Progress {
    /// What is being done.
    pub stage: Stage,
    /// Which picture of the request, from 0.
    pub picture: u32,
    /// How many pictures the request asks for.
    pub pictures: u32,
    /// Denoising steps done for this picture.
    pub step: u32,
    /// Denoising steps it takes.
    pub steps: u32,
    /// A rough picture of the final latent as far as it is known; one pixel per latent cell. Only when asked for, and blurred
    /// or left out where it is not safe.
    pub preview: Option<Picture>,
    /// What the safety classifier found in the preview; `None` where none was asked.
    pub verdict: Option<Verdict>,
}

/// Receives progress on the thread that called `generate`.
pub trait Observer {
    /// Called at each stage and after each step. Time spent here delays the picture.
    fn on_progress(&mut self, progress: &Progress);

    /// Whether the step that just ended should come with a preview. It costs a multiplication of a 3-column matrix
    /// with the latent, far below a thousandth of a step; and a run of the safety classifier where there is one.
    fn wants_preview(&mut self, step: u32) -> bool {
        let _ = step;
        false
    }

    /// A finished picture, as soon as it is one. Who keeps it here, as on a disk, holds no more than one in memory and has it even
    /// if the request is stopped later; what is given back stands in [`Generated`](crate::Generated).
    fn on_picture(&mut self, drawn: Drawn) -> Option<Drawn> {
        Some(drawn)
    }

    /// A picture that was refused as not safe: it comes in the place of [`on_picture`](Self::on_picture).
    fn on_refused(&mut self, refused: &Refused) {
        let _ = refused;
    }

    /// What the U-Net is given next: the noisy latent, `channels × height × width`, the same for every branch, and the
    /// training timestep. For tools that learn what a graph sees, as quantisation does.
    fn on_sample(&mut self, sample: &[f32], timestep: f32) {
        let _ = (sample, timestep);
    }

    /// What the VAE's decoder is given: the last latent, unscaled, `channels × height × width`.
    fn on_latent(&mut self, latent: &[f32]) {
        let _ = latent;
    }
}

/// Listens to nothing.
impl Observer for () {
    fn on_progress(&mut self, _: &Progress) {}
}

/// A closure listens without previews.
impl<F: FnMut(&Progress)> Observer for F {
    fn on_progress(&mut self, progress: &Progress) {
        self(progress);
    }
}
