//! A piece of work for the machine, and how far it is.

use serde::{Deserialize, Serialize};

use crate::id::Id;

/// A piece of work.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Job {
    pub(crate) id: Id,
    /// What is to be done.
    pub(crate) work: Work,
    pub(crate) state: State,
    pub(crate) progress: Progress,
    /// Pictures that it made so far.
    pub(crate) pictures: Vec<JobPicture>,
    /// What is worth knowing, though the work goes on.
    pub(crate) warnings: Vec<String>,
    /// Why it failed.
    pub(crate) failure: Option<Told>,
    /// Loss of each step, of a finding.
    #[serde(default)]
    pub(crate) history: Vec<f64>,
    /// When it was asked for, in seconds since 1970 (UTC).
    pub(crate) created: u64,
}

/// Where a job is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum State {
    /// It waits for others.
    Queued,
    /// The machine works on it.
    Running,
    Done,
    Failed,
    /// Somebody stopped it; a finding goes on from there when it is asked for again.
    Cancelled,
}

impl State {
    pub(crate) fn is_over(self) -> bool {
        !matches!(self, Self::Queued | Self::Running)
    }
}

/// How far a job is.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct Progress {
    /// What is being done, in a word or two.
    pub(crate) stage: String,
    /// So many pieces of it are done.
    pub(crate) done: usize,
    /// Of so many.
    pub(crate) of: usize,
    /// The loss of the last step.
    pub(crate) loss: Option<f64>,
    /// The share (0 to 1) of weights that would be shut now.
    pub(crate) share: Option<f64>,
    /// Seconds until the steps are done, as far as the last ones tell.
    pub(crate) seconds_left: Option<f64>,
}

/// What went wrong, and what to do.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Told {
    pub(crate) error: String,
    pub(crate) hint: Option<String>,
}

/// A picture that a job made.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct JobPicture {
    /// Its file, without the ending.
    pub(crate) name: Id,
    /// What was asked for.
    pub(crate) prompt: String,
    /// By the base model, without the subject.
    pub(crate) base: bool,
    /// Of a finding: after so many steps.
    pub(crate) step: Option<usize>,
    /// Of a sheet: with the subject this strong.
    pub(crate) strength: Option<f32>,
    /// Whether the safety classifier had it blurred.
    pub(crate) blurred: bool,
}

/// What is to be done.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub(crate) enum Work {
    Find(FindWork),
    Draw(DrawWork),
    Sheet(SheetWork),
}

impl Work {
    /// Whether a newer one takes its place: a slider is being moved.
    pub(crate) fn is_live(&self) -> bool {
        matches!(self, Self::Draw(draw) if draw.live)
    }

    /// Whose work it is, where it changes what is known of a subject.
    pub(crate) fn changes(&self) -> Option<Id> {
        match self {
            Self::Find(find) => Some(find.subject),
            _ => None,
        }
    }
}

/// Finding a subject's neurons.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct FindWork {
    pub(crate) subject: Id,
    /// Training steps.
    #[serde(default = "steps")]
    pub(crate) steps: usize,
    /// Steps between two previews; 0 for none.
    #[serde(default = "preview_every")]
    pub(crate) preview_every: usize,
    /// Denoising steps of a preview; the base model's by default.
    #[serde(default)]
    pub(crate) preview_steps: Option<u32>,
    /// Seed of everything random.
    #[serde(default)]
    pub(crate) seed: u64,
    /// Pictures in one step.
    #[serde(default = "batch")]
    pub(crate) batch: usize,
    /// Pictures of the class, and as many of other things, that the model draws for itself.
    #[serde(default = "drawn")]
    pub(crate) drawn: usize,
    /// Noisy pictures of each part that masks are measured on.
    #[serde(default = "held_out")]
    pub(crate) held_out: usize,
}

fn steps() -> usize {
    300
}

fn preview_every() -> usize {
    50
}

fn batch() -> usize {
    12
}

fn drawn() -> usize {
    16
}

fn held_out() -> usize {
    48
}

/// Drawing a prompt.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct DrawWork {
    /// `{NAME}` stands for a subject.
    pub(crate) prompt: String,
    #[serde(default)]
    pub(crate) negative_prompt: String,
    #[serde(default)]
    pub(crate) subjects: Vec<Switched>,
    #[serde(default)]
    pub(crate) seed: u64,
    pub(crate) steps: Option<u32>,
    pub(crate) guidance: Option<f32>,
    /// Pictures, with one seed each.
    #[serde(default = "one")]
    pub(crate) count: u32,
    /// Drawn by the base model, too, with the class words.
    #[serde(default)]
    pub(crate) beside_base: bool,
    /// Takes the place of an earlier one that is live.
    #[serde(default)]
    pub(crate) live: bool,
    /// The picture to start from.
    pub(crate) init: Option<InitWork>,
}

fn one() -> u32 {
    1
}

/// A subject that is on.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Switched {
    pub(crate) subject: Id,
    #[serde(default = "whole")]
    pub(crate) strength: f32,
}

fn whole() -> f32 {
    1.0
}

/// A kept picture to start from.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct InitWork {
    pub(crate) picture: Id,
    /// How much of it is redrawn, 0 to 1.
    pub(crate) strength: f32,
    /// Only what is white in it is drawn anew.
    pub(crate) mask: Option<Id>,
}

/// Drawing a subject in several contexts at several strengths.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SheetWork {
    pub(crate) subject: Id,
    /// Lines in which `{}` stands for the subject.
    #[serde(default)]
    pub(crate) contexts: Vec<String>,
    /// 0 is the base model with the class word.
    #[serde(default)]
    pub(crate) strengths: Vec<f32>,
    #[serde(default)]
    pub(crate) seed: u64,
    pub(crate) steps: Option<u32>,
}
