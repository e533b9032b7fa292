//! A finding under way: what pages are told of it.

use std::time::Instant;

use cones_core::{CancelToken, ConceptMask, Subject as Switch};
use cones_find::FindObserver;
use cones_find::drawing::{Shown, contexts, request};

use crate::drawer::{Drawer, Of};
use crate::error::Result;
use crate::id::Id;
use crate::job::{FindWork, Progress};
use crate::studio::Studio;
use crate::subject::Subject;

/// Steps between two looks at how many weights would be shut.
const COUNTED_EVERY: usize = 10;
/// Seed of the previews; not one that pictures of the class are drawn from.
const SEED: u64 = 1000;
/// How much the last step counts in the time that a step takes.
const NEWEST: f64 = 0.1;

/// Tells pages how far a finding is, and draws previews.
pub(super) struct Finding<'a> {
    studio: &'a Studio,
    drawer: &'a mut Drawer,
    job: Id,
    work: &'a FindWork,
    subject: &'a Subject,
    cancel: &'a CancelToken,
    /// When the last step ended, or what came between ended.
    since: Instant,
    /// Seconds that a step takes.
    pace: Option<f64>,
}

impl<'a> Finding<'a> {
    pub(super) fn new(
        studio: &'a Studio,
        drawer: &'a mut Drawer,
        job: Id,
        work: &'a FindWork,
        subject: &'a Subject,
        cancel: &'a CancelToken,
    ) -> Self {
        Self { studio, drawer, job, work, subject, cancel, since: Instant::now(), pace: None }
    }

    /// Draws the subject as it is after a step, and before the first time what the base model makes of the same words.
    pub(super) fn preview(&mut self, step: usize, shown: &Shown) -> Result<()> {
        let line = contexts().into_iter().next().unwrap_or_default();
        let drawn = self.studio.queue.get(self.job)?.pictures;
        if !drawn.iter().any(|picture| picture.base) {
            self.draw(&line, shown, Of { base: true, ..Of::default() })?;
        }
        if !drawn.iter().any(|picture| picture.step == Some(step)) {
            self.draw(&line, shown, Of { step: Some(step), ..Of::default() })?;
        }
        Ok(())
    }

    fn draw(&mut self, line: &str, shown: &Shown, of: Of) -> Result<()> {
        let mut request = request(line, &[shown], !of.base)?.with_seed(SEED);
        request.steps = self.work.preview_steps;
        self.drawer.draw((self.studio, self.job), &request, (of, &mut |_, _| {}), self.cancel)
    }

    fn is_shown(&self, step: usize) -> bool {
        step.checked_rem(self.work.preview_every) == Some(0)
    }

    fn stage(&self, stage: String, done: usize, of: usize) {
        let change = |progress: &mut Progress| {
            (progress.stage, progress.done, progress.of) = (stage, done, of);
            progress.seconds_left = None;
        };
        self.studio.queue.advance(self.job, |job| change(&mut job.progress));
    }
}

impl FindObserver for Finding<'_> {
    // What is warned of stands on the subject's page already, with the names that people know.

    fn prepared(&mut self, what: &str, done: usize, of: usize) {
        self.stage(format!("preparing {what} pictures"), done, of);
        self.since = Instant::now();
    }

    fn resumed(&mut self, history: &[f64], seconds: f64) {
        self.pace = Some(seconds / history.len().max(1) as f64);
        self.studio.queue.advance(self.job, |job| job.history = history.to_vec());
        self.since = Instant::now();
    }

    fn step(&mut self, step: usize, steps: usize, loss: f64) {
        let took = self.since.elapsed().as_secs_f64();
        let pace = self.pace.map_or(took, |pace| pace + NEWEST * (took - pace));
        self.pace = Some(pace);
        let left = pace * steps.saturating_sub(step) as f64;
        self.studio.queue.advance(self.job, |job| {
            job.history.push(loss);
            let share = job.progress.share;
            job.progress = Progress {
                stage: "finding".into(),
                done: step,
                of: steps,
                loss: Some(loss),
                share,
                seconds_left: Some(left),
            };
        });
        self.since = Instant::now();
    }

    fn wants_mask(&mut self, step: usize) -> bool {
        step.is_multiple_of(COUNTED_EVERY) || self.is_shown(step)
    }

    fn mask(&mut self, step: usize, mask: &ConceptMask) {
        self.studio.queue.advance(self.job, |job| job.progress.share = Some(mask.density()));
        if self.is_shown(step) {
            let subject = Switch::new(&self.subject.name, mask.clone()).on_trigger(&self.subject.trigger);
            let drawn = self.preview(step, &Shown { subject, class: self.subject.class.clone() });
            // Previews are no reason to stop; where somebody stopped it, the next step sees that itself.
            if let Err(error) = drawn.or_else(|error| if error.is_cancelled() { Ok(()) } else { Err(error) }) {
                let warning = format!("no preview after step {step}: {error}");
                self.studio.queue.advance(self.job, |job| job.warnings.push(warning));
            }
            self.drawer.rest();
        }
        self.since = Instant::now();
    }

    fn measured(&mut self, done: usize, of: usize) {
        self.stage("choosing how many neurons".into(), done, of);
    }
}
