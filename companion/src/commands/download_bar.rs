//! Progress of a download on standard error.

use cones_core::download::{Received, Watch};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// A bar of bytes; nothing where standard error is no terminal.
pub(super) struct DownloadBar(ProgressBar);

impl DownloadBar {
    /// A bar, or none when `quiet`.
    pub(super) fn new(quiet: bool) -> Self {
        let bar = ProgressBar::new(0);
        bar.set_draw_target(if quiet { ProgressDrawTarget::hidden() } else { ProgressDrawTarget::stderr() });
        let style = ProgressStyle::with_template("{msg} [{bar:32}] {bytes}/{total_bytes}, {eta} left");
        if let Ok(style) = style {
            bar.set_style(style.progress_chars("=> "));
        }
        Self(bar)
    }
}

impl Drop for DownloadBar {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

impl Watch for DownloadBar {
    fn received(&mut self, received: Received<'_>) {
        self.0.set_length(received.total);
        self.0.set_position(received.bytes);
        self.0.set_message(received.name.to_owned());
    }
}
