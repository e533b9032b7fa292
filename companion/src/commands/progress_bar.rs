//! Progress on standard error.

use std::borrow::Cow;
use std::io::Write;

use cones_core::library::download::{Received, Watch};
use cones_core::{Observer, Progress, Stage};
use cones_find::FindObserver;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// One bar for whatever takes long; nothing where standard error is no terminal. It goes when it is dropped.
pub(crate) struct Bar(ProgressBar);

impl Bar {
    /// A bar of denoising steps over all pictures, or none when `quiet`.
    pub(crate) fn of_steps(quiet: bool) -> Self {
        Self::new(quiet, "{msg:10} [{bar:32}] {pos}/{len} steps, {eta} left")
    }

    /// A bar of bytes, or none when `quiet`.
    pub(crate) fn of_bytes(quiet: bool) -> Self {
        Self::new(quiet, "{msg} [{bar:32}] {bytes}/{total_bytes}, {eta} left")
    }

    /// A bar of whatever a command counts, or none when `quiet`.
    pub(crate) fn of_counts(quiet: bool) -> Self {
        Self::new(quiet, "{msg:32} [{bar:32}] {pos}/{len}, {eta} left")
    }

    fn new(quiet: bool, template: &str) -> Self {
        let bar = ProgressBar::new(0);
        bar.set_draw_target(if quiet { ProgressDrawTarget::hidden() } else { ProgressDrawTarget::stderr() });
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style.progress_chars("=> "));
        }
        Self(bar)
    }

    /// `done` of `of` are there.
    pub(crate) fn show(&self, done: usize, of: usize, message: impl Into<Cow<'static, str>>) {
        self.0.set_length(of as u64);
        self.0.set_message(message);
        self.0.set_position(done as u64);
    }

    /// Takes the bar off the screen.
    pub(crate) fn clear(&self) {
        self.0.finish_and_clear();
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.clear();
    }
}

impl Observer for Bar {
    fn on_progress(&mut self, progress: &Progress) {
        let steps = u64::from(progress.steps);
        self.0.set_length(steps * u64::from(progress.pictures));
        self.0.set_message(match progress.stage {
            Stage::Preparing => "preparing",
            Stage::Denoising => "drawing",
            Stage::Decoding => "decoding",
            _ => "finished",
        });
        if progress.stage == Stage::Denoising {
            self.0.set_position(steps * u64::from(progress.picture) + u64::from(progress.step));
        }
    }
}

impl Watch for Bar {
    fn received(&mut self, received: Received<'_>) {
        self.0.set_length(received.total);
        self.0.set_position(received.bytes);
        self.0.set_message(received.name.to_owned());
    }
}

impl FindObserver for Bar {
    fn warned(&mut self, warning: &str) {
        // A closed terminal must not stop the work.
        self.0.suspend(|| drop(writeln!(std::io::stderr(), "warning: {warning}")));
    }

    fn prepared(&mut self, what: &str, done: usize, of: usize) {
        self.show(done, of, format!("{what} pictures"));
    }

    fn step(&mut self, step: usize, steps: usize, loss: f64) {
        self.show(step, steps, format!("finding, loss {loss:.4}"));
    }

    fn measured(&mut self, done: usize, of: usize) {
        self.show(done, of, "measuring masks");
    }
}
