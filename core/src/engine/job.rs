//! A request under way.

use crate::attention::bias::BoxedTokens;
use crate::cancel::CancelToken;
use crate::engine::outcome::{Refused, Timings};
use crate::engine::prompt_tokens::PromptTokens;
use crate::engine::request::Request;
use crate::engine::resolved::ResolvedRequest;
use crate::model::bundle::Bundle;
use crate::progress::{Observer, Progress, Stage};
use crate::safety::checker::Shown;

/// Who sees the pictures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Audience {
    /// Whoever asked: a safety classifier looks at each first.
    Everybody,
    /// The next pass alone, whose picture is looked at. Previews are seen all the same.
    NextPass,
}

/// A request under way.
pub(crate) struct Job<'a> {
    pub(crate) plan: ResolvedRequest,
    pub(crate) request: &'a Request,
    pub(crate) audience: Audience,
    /// Of the prompts that take part; until they are encoded.
    pub(crate) tokens: Vec<PromptTokens>,
    /// Tokens with a box, of each branch; once its prompt is encoded.
    pub(crate) boxed: Vec<Vec<BoxedTokens>>,
    /// Tokens that the U-Net reads: `max_length`, or so many for each chunk of a long prompt.
    pub(crate) length: usize,
    pub(crate) observer: &'a mut dyn Observer,
    pub(crate) cancel: &'a CancelToken,
    /// Steps of one picture; fewer than asked for with an init image.
    pub(crate) steps: u32,
    pub(crate) timings: Timings,
    pub(crate) warnings: Vec<String>,
    pub(crate) refused: Vec<Refused>,
}

impl Job<'_> {
    /// Tells the observer.
    pub(crate) fn report(&mut self, stage: Stage, picture: u32, step: u32) {
        self.report_preview(stage, picture, step, Shown::default());
    }

    /// Tells the observer, with a preview.
    pub(crate) fn report_preview(&mut self, stage: Stage, picture: u32, step: u32, shown: Shown) {
        let (pictures, steps) = (self.request.count, self.steps);
        let Shown { picture: preview, verdict } = shown;
        self.observer.on_progress(&Progress { stage, picture, pictures, step, steps, preview, verdict });
    }

    /// Channels, height and width of the latent.
    pub(crate) fn latent(&self, bundle: &Bundle) -> [usize; 3] {
        let latent = bundle.manifest().latent;
        [latent.channels, self.plan.height / latent.scale, self.plan.width / latent.scale].map(|d| d as usize)
    }
}
