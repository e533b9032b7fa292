//! Progress on standard error.

use cones_core::{Observer, Progress, Stage};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// A bar of denoising steps over all pictures; nothing where standard error is no terminal.
pub(super) struct Bar(ProgressBar);

impl Bar {
    /// A bar, or none when `quiet`.
    pub(super) fn new(quiet: bool) -> Self {
        let bar = ProgressBar::new(0);
        bar.set_draw_target(if quiet { ProgressDrawTarget::hidden() } else { ProgressDrawTarget::stderr() });
        let style = ProgressStyle::with_template("{msg:10} [{bar:32}] {pos}/{len} steps, {eta} left");
        if let Ok(style) = style {
            bar.set_style(style.progress_chars("=> "));
        }
        Self(bar)
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.0.finish_and_clear();
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

/// A bar of whatever a command counts; nothing where standard error is no terminal.
pub(crate) struct Count(ProgressBar);

impl Count {
    /// A bar, or none when `quiet`.
    pub(crate) fn new(quiet: bool) -> Self {
        let bar = ProgressBar::new(0);
        bar.set_draw_target(if quiet { ProgressDrawTarget::hidden() } else { ProgressDrawTarget::stderr() });
        if let Ok(style) = ProgressStyle::with_template("{msg:32} [{bar:32}] {pos}/{len}, {eta} left") {
            bar.set_style(style.progress_chars("=> "));
        }
        Self(bar)
    }

    /// `done` of `of` are there.
    pub(crate) fn show(&self, done: usize, of: usize, message: impl Into<std::borrow::Cow<'static, str>>) {
        self.0.set_length(of as u64);
        self.0.set_message(message);
        self.0.set_position(done as u64);
    }

    /// Takes it off the screen.
    pub(crate) fn clear(&self) {
        self.0.finish_and_clear();
    }
}
