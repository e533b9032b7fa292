//! Pictures on the disk as soon as they are drawn.

use std::io::Write;
use std::path::{Path, PathBuf};

use cones_core::picture::format::PictureFormat;
use cones_core::picture::recipe::Recipe;
use cones_core::picture::writing;
use cones_core::{CancelToken, Drawn, Error, Observer, Picture, Progress, Refused, Verdict};

use super::progress_bar::Bar;
use crate::contact_sheet::ContactSheet;

/// What is done with pictures besides writing each.
#[derive(Debug, Default)]
pub(super) struct Extras<'a> {
    /// How many times as large they are written.
    pub(super) scale: u32,
    /// A file that shows what is being drawn, and how many pixels of it one of a preview stands for.
    pub(super) preview: Option<(&'a Path, u32)>,
    /// A file that shows all of them.
    pub(super) sheet: Option<&'a Path>,
    /// Whether pictures go to standard output.
    pub(super) to_output: bool,
}

/// A picture on the disk.
#[derive(Debug)]
pub(super) struct Written {
    pub(super) path: PathBuf,
    pub(super) recipe: Recipe,
    /// What the safety classifier found, where one was asked.
    pub(super) verdict: Option<Verdict>,
}

/// What became of the pictures.
#[derive(Debug, Default)]
pub(super) struct Outcome {
    pub(super) written: Vec<Written>,
    /// Pictures that nobody gets, with the files that were not written.
    pub(super) refused: Vec<(PathBuf, Refused)>,
}

/// Writes each picture to its file, beside a progress bar, and keeps none in memory: what is drawn stands whatever comes after.
pub(super) struct Writer<'a> {
    bar: Bar,
    paths: std::slice::Iter<'a, PathBuf>,
    extras: Extras<'a>,
    sheet: ContactSheet,
    /// Pictures of the requests that went before, and of all.
    before: u32,
    all: u32,
    outcome: Outcome,
    failed: Option<Error>,
    cancel: CancelToken,
}

impl<'a> Writer<'a> {
    /// `cancel` stops the drawing of what could not be written.
    pub(super) fn new(bar: Bar, paths: &'a [PathBuf], extras: Extras<'a>, cancel: &CancelToken) -> Self {
        Self {
            bar,
            paths: paths.iter(),
            extras,
            sheet: ContactSheet::square(paths.len()),
            before: 0,
            all: u32::try_from(paths.len()).unwrap_or(u32::MAX),
            outcome: Outcome::default(),
            failed: None,
            cancel: cancel.clone(),
        }
    }

    /// A further request begins.
    pub(super) fn next_request(&mut self) {
        let done = self.outcome.written.len() + self.outcome.refused.len();
        self.before = u32::try_from(done).unwrap_or(u32::MAX);
    }

    /// What was written and what was refused. The sheet is written now, with as many as were drawn.
    ///
    /// # Errors
    /// [`Error::Io`] or [`Error::Picture`] of the picture that could not be written.
    pub(super) fn finish(self) -> Result<Outcome, Error> {
        if let Some(path) = self.extras.sheet {
            self.sheet.save(path)?;
        }
        self.failed.map_or(Ok(self.outcome), Err)
    }

    fn write(&mut self, drawn: Drawn) -> Result<(), Error> {
        // As many as were asked for.
        let Some(path) = self.paths.next() else { return Ok(()) };
        let picture = drawn.picture.enlarged(self.extras.scale);
        if self.extras.to_output {
            let bytes = writing::encode(&picture, &drawn.recipe, PictureFormat::Png);
            let bytes = bytes.map_err(|reason| Error::picture(path, reason))?;
            let mut out = std::io::stdout();
            out.write_all(&bytes).and_then(|()| out.flush()).map_err(Error::io("write", path))?;
        } else {
            writing::save(&picture, &drawn.recipe, path)?;
        }
        if let Some((preview, _)) = self.extras.preview {
            writing::save(&picture, &drawn.recipe, preview)?;
        }
        if self.extras.sheet.is_some() {
            self.sheet.put(&drawn.picture)?;
        }
        let Drawn { recipe, verdict, .. } = drawn;
        self.outcome.written.push(Written { path: path.clone(), recipe, verdict });
        Ok(())
    }

    /// A preview has a pixel for each cell of the latent; it is shown as large as the picture will be.
    fn show(&self, preview: &Picture, path: &Path, cell: u32) -> Result<(), Error> {
        let side = |side: u32| side.saturating_mul(cell).saturating_mul(self.extras.scale.max(1));
        writing::save(&preview.resized(side(preview.width), side(preview.height))?, None, path)
    }

    fn keep(&mut self, outcome: Result<(), Error>) {
        if let Err(error) = outcome {
            self.failed.get_or_insert(error);
            self.cancel.cancel();
        }
    }
}

impl Observer for Writer<'_> {
    fn on_progress(&mut self, progress: &Progress) {
        if let (Some(preview), Some(path)) = (&progress.preview, self.extras.preview) {
            let (path, cell) = path;
            let shown = self.show(preview, path, cell);
            self.keep(shown);
        }
        let mut of_all = progress.clone();
        of_all.preview = None;
        of_all.picture = progress.picture.saturating_add(self.before);
        of_all.pictures = self.all;
        self.bar.on_progress(&of_all);
    }

    fn wants_preview(&mut self, _: u32) -> bool {
        self.extras.preview.is_some()
    }

    fn on_picture(&mut self, drawn: Drawn) -> Option<Drawn> {
        if self.failed.is_none() {
            let written = self.write(drawn);
            self.keep(written);
        }
        None
    }

    fn on_refused(&mut self, refused: &Refused) {
        let path = self.paths.next().cloned().unwrap_or_default();
        self.outcome.refused.push((path, *refused));
    }
}
