//! Progress of a generation, on the host's listener.

use std::sync::Arc;

use crate::{CallbackError, ConesError, Generated, Picture, Verdict};

/// What is being done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, uniffi::Enum)]
pub enum Stage {
    /// Loading graphs and encoding the prompt.
    Preparing,
    /// A denoising step has ended.
    Denoising,
    /// The last latent is being decoded.
    Decoding,
    /// A picture is finished.
    Finished,
}

/// One small record at each stage and after each step.
#[derive(Debug, Clone, PartialEq, uniffi::Record)]
pub struct GenerateProgress {
    /// What is being done.
    pub stage: Stage,
    /// Which picture of the request, from 0.
    pub picture: u32,
    /// How many pictures the request asks for.
    pub pictures: u32,
    /// Steps done for this picture.
    pub step: u32,
    /// Steps it takes.
    pub steps: u32,
    /// A rough picture of what is coming; only at the steps that the request asks previews for.
    pub preview: Option<Preview>,
    /// What the safety classifier found in the preview; where it was refused there is none.
    pub verdict: Option<Verdict>,
}

/// A rough picture, one pixel for `BundleInfo.preview_scale` pixels along a side.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct Preview {
    /// Pixels across.
    pub width: u32,
    /// Pixels down.
    pub height: u32,
    /// `4 * width * height` bytes, row by row from the top left, every alpha 255.
    pub rgba: Vec<u8>,
}

/// Listens to a generation, on the thread that called `generate`. Time spent here delays the picture.
#[uniffi::export(rust, foreign)]
pub trait Listener: Send + Sync {
    /// Something has been done. Throwing stops the generation with `ListenerFailed`. Calling the same engine from here
    /// gives `Busy`.
    fn on_progress(&self, progress: GenerateProgress) -> Result<(), CallbackError>;

    /// Picture `index` of the request, from 0, as soon as it is finished. `true` keeps it: it does not stand in `Generated` then, so that
    /// no more than one of many is in memory, and it is there even if the request is stopped later. Throwing stops the generation as above.
    fn on_picture(&self, index: u32, picture: Arc<Picture>) -> Result<bool, CallbackError>;
}

impl From<&cones_core::Progress> for GenerateProgress {
    fn from(progress: &cones_core::Progress) -> Self {
        use cones_core::Stage as Core;
        Self {
            stage: match progress.stage {
                Core::Denoising => Stage::Denoising,
                Core::Decoding => Stage::Decoding,
                Core::Finished => Stage::Finished,
                // And whatever is added before a picture is there.
                _ => Stage::Preparing,
            },
            picture: progress.picture,
            pictures: progress.pictures,
            step: progress.step,
            steps: progress.steps,
            preview: progress.preview.as_ref().map(Preview::from),
            verdict: progress.verdict.map(Verdict::from),
        }
    }
}

impl From<&cones_core::Picture> for Preview {
    fn from(picture: &cones_core::Picture) -> Self {
        Self { width: picture.width, height: picture.height, rgba: picture.to_rgba() }
    }
}

/// Hands progress on to the host, and stops the generation when the host fails.
pub(crate) struct Relay {
    listener: Option<Arc<dyn Listener>>,
    /// A preview comes every so many steps; never at 0.
    preview_every: u32,
    /// The generation's own token, so that stopping it leaves the caller's token alone.
    stop: cones_core::CancelToken,
    failure: Option<CallbackError>,
    /// Pictures that were finished.
    finished: u32,
    /// Those that the host did not keep.
    left: Vec<Arc<Picture>>,
}

impl Relay {
    pub(crate) fn new(listener: Option<Arc<dyn Listener>>, preview_every: u32, stop: cones_core::CancelToken) -> Self {
        Self { listener, preview_every, stop, failure: None, finished: 0, left: Vec::new() }
    }

    /// What the call came to: the host's own failure before all else, for it is why the rest ended.
    pub(crate) fn outcome(self, result: cones_core::Result<cones_core::Generated>) -> Result<Generated, ConesError> {
        match self.failure {
            Some(failure) => Err(ConesError::listener(&failure)),
            None => Ok(Generated::new(result?, self.left)),
        }
    }

    fn failed(&mut self, failure: CallbackError) {
        self.stop.cancel();
        self.failure = Some(failure);
    }
}

impl cones_core::Observer for Relay {
    fn on_progress(&mut self, progress: &cones_core::Progress) {
        let (Some(listener), None) = (&self.listener, &self.failure) else { return };
        if let Err(failure) = listener.on_progress(progress.into()) {
            self.failed(failure);
        }
    }

    fn on_picture(&mut self, drawn: cones_core::Drawn) -> Option<cones_core::Drawn> {
        let (Some(listener), None) = (&self.listener, &self.failure) else { return Some(drawn) };
        let picture = Arc::new(Picture::from(drawn));
        match listener.on_picture(self.finished, picture.clone()) {
            Ok(true) => {}
            Ok(false) => self.left.push(picture),
            Err(failure) => self.failed(failure),
        }
        self.finished += 1;
        None
    }

    fn wants_preview(&mut self, step: u32) -> bool {
        self.listener.is_some() && self.preview_every > 0 && step.is_multiple_of(self.preview_every)
    }
}
