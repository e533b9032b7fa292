//! Progress on standard error.

use std::borrow::Cow;
use std::cell::RefCell;
use std::io::{IsTerminal, Stderr, Write};

use cones_core::library::download::{Received, Watch};
use cones_core::{Observer, Progress, Stage};
use cones_find::FindObserver;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::progress_lines::Lines;

/// One bar for whatever takes long; where standard error is no terminal a line every so often. It goes when it is dropped.
pub(crate) struct Bar {
    bar: ProgressBar,
    lines: Option<RefCell<Lines<Stderr>>>,
}

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
        let logged = !quiet && !std::io::stderr().is_terminal();
        Self { bar, lines: logged.then(|| RefCell::new(Lines::new(std::io::stderr()))) }
    }

    fn shown(&self, done: u64, of: u64, message: impl Into<Cow<'static, str>>) {
        let message = message.into();
        if let Some(lines) = &self.lines {
            lines.borrow_mut().show(&message, done, of);
        }
        self.bar.set_length(of);
        self.bar.set_message(message);
        self.bar.set_position(done);
    }

    /// `done` of `of` are there.
    pub(crate) fn show(&self, done: usize, of: usize, message: impl Into<Cow<'static, str>>) {
        self.shown(done as u64, of as u64, message);
    }

    /// Takes the bar off the screen.
    pub(crate) fn clear(&self) {
        self.bar.finish_and_clear();
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
        let done = steps * u64::from(progress.picture) + u64::from(progress.step);
        let message = match progress.stage {
            Stage::Preparing => "preparing",
            Stage::Denoising => "drawing",
            Stage::Decoding => "decoding",
            _ => "finished",
        };
        self.shown(done, steps * u64::from(progress.pictures), message);
    }
}

impl Watch for Bar {
    fn received(&mut self, received: Received<'_>) {
        self.shown(received.bytes, received.total, received.name.to_owned());
    }
}

impl FindObserver for Bar {
    fn warned(&mut self, warning: &str) {
        // A closed terminal must not stop the work.
        self.bar.suspend(|| drop(writeln!(std::io::stderr(), "warning: {warning}")));
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
