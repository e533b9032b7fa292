//! Pictures on the disk as soon as they are drawn.

use std::path::PathBuf;

use cones_core::picture::recipe::{self, Recipe};
use cones_core::{CancelToken, Drawn, Error, Observer, Progress};

use super::progress_bar::Bar;

/// Writes each picture to its file, beside a progress bar, and keeps none in memory: what is drawn stands whatever comes after.
pub(super) struct Writer<'a> {
    bar: Bar,
    paths: std::slice::Iter<'a, PathBuf>,
    written: Vec<(PathBuf, Recipe)>,
    failed: Option<Error>,
    cancel: CancelToken,
}

impl<'a> Writer<'a> {
    /// `cancel` stops the drawing of what could not be written.
    pub(super) fn new(bar: Bar, paths: &'a [PathBuf], cancel: &CancelToken) -> Self {
        Self { bar, paths: paths.iter(), written: Vec::new(), failed: None, cancel: cancel.clone() }
    }

    /// What was written, with the recipes.
    ///
    /// # Errors
    /// [`Error::Io`] or [`Error::Picture`] of the picture that could not be written.
    pub(super) fn finish(self) -> Result<Vec<(PathBuf, Recipe)>, Error> {
        self.failed.map_or(Ok(self.written), Err)
    }
}

impl Observer for Writer<'_> {
    fn on_progress(&mut self, progress: &Progress) {
        self.bar.on_progress(progress);
    }

    fn on_picture(&mut self, drawn: Drawn) -> Option<Drawn> {
        let path = self.paths.next()?;
        match recipe::save(&drawn.picture, &drawn.recipe, path) {
            Ok(()) => self.written.push((path.clone(), drawn.recipe)),
            Err(error) => {
                self.failed = Some(error);
                self.cancel.cancel();
            }
        }
        None
    }
}
