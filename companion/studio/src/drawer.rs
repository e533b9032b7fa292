//! The engine between jobs, and the pictures that a job makes with it.

use cones_core::picture::format::PictureFormat;
use cones_core::picture::writing;
use cones_core::{Bundle, CancelToken, Drawn, Engine, Observer, Request, Stage};

use crate::error::{Error, Result};
use crate::folder;
use crate::id::Id;
use crate::job::JobPicture;
use crate::studio::Studio;

/// An engine that stays loaded until its memory is needed for something else.
#[derive(Debug, Default)]
pub(crate) struct Drawer(Option<Engine>);

/// What a picture is of, beside its prompt.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Of {
    pub(crate) base: bool,
    pub(crate) step: Option<usize>,
    pub(crate) strength: Option<f32>,
}

impl Drawer {
    /// Gives the engine's memory back.
    pub(crate) fn rest(&mut self) {
        self.0 = None;
    }

    fn engine(&mut self, studio: &Studio) -> Result<&mut Engine> {
        if self.0.is_none() {
            self.0 = Some(Engine::new(Bundle::open(studio.bundle.path())?, studio.engine.clone())?);
        }
        self.0.as_mut().ok_or_else(|| Error::Lost("there is no engine".into()))
    }

    /// Draws a request's pictures, and adds each to the job as it is finished. What was cut or left out is told as a warning.
    pub(crate) fn draw(
        &mut self,
        (studio, job): (&Studio, Id),
        request: &Request,
        (of, watch): (Of, &mut dyn FnMut(usize, usize)),
        cancel: &CancelToken,
    ) -> Result<()> {
        let mut showing = Showing { watch, failed: None, keep: &mut |drawn| add(studio, job, &drawn, of) };
        let generated = self.engine(studio)?.generate(request, &mut showing, cancel)?;
        if let Some(error) = showing.failed {
            return Err(error);
        }
        let mut told = generated.warnings;
        told.extend(generated.refused.iter().map(|refused| format!("a picture was {}", refused.verdict)));
        if !told.is_empty() {
            studio.queue.advance(job, |job| {
                told.retain(|warning| !job.warnings.contains(warning));
                job.warnings.append(&mut told);
            });
        }
        Ok(())
    }
}

/// Passes on steps, and pictures as they are finished.
struct Showing<'a> {
    watch: &'a mut dyn FnMut(usize, usize),
    keep: &'a mut dyn FnMut(Drawn) -> Result<()>,
    failed: Option<Error>,
}

impl Observer for Showing<'_> {
    fn on_progress(&mut self, progress: &cones_core::Progress) {
        if progress.stage == Stage::Denoising {
            let steps = progress.steps as usize;
            (self.watch)(
                steps * progress.picture as usize + progress.step as usize,
                steps * progress.pictures as usize,
            );
        }
    }

    fn on_picture(&mut self, drawn: Drawn) -> Option<Drawn> {
        if let Err(error) = (self.keep)(drawn) {
            self.failed.get_or_insert(error);
        }
        None
    }
}

/// Writes a picture into its job's folder, and tells of it.
fn add(studio: &Studio, job: Id, drawn: &Drawn, of: Of) -> Result<()> {
    let name = Id::after('i', studio.queue.get(job)?.pictures.iter().map(|picture| picture.name));
    let path = studio.folder.job(job).join(format!("{name}.png"));
    folder::make(&studio.folder.job(job))?;
    writing::save(&drawn.picture, &drawn.recipe, &path)?;
    let picture = JobPicture {
        name,
        prompt: drawn.recipe.prompt.clone(),
        base: of.base,
        step: of.step,
        strength: of.strength,
        blurred: drawn.verdict.is_some_and(|verdict| verdict.treatment == cones_core::Treatment::Blurred),
    };
    studio.queue.advance(job, |job| job.pictures.push(picture));
    Ok(())
}

/// A picture small enough to stand in a pack.
pub(crate) fn preview(drawn: &cones_core::Picture) -> Option<Vec<u8>> {
    [256, 128, 64].into_iter().find_map(|side| {
        let small =
            if drawn.width <= side && drawn.height <= side { drawn.clone() } else { drawn.fitted(side, side).ok()? };
        writing::encode(&small, None, PictureFormat::WebP).ok().filter(|bytes| bytes.len() <= 64 * 1024)
    })
}
