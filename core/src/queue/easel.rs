//! What a queue sees of the request that is being drawn.

use super::shared::Shared;
use crate::cancel::CancelToken;
use crate::engine::outcome::{Drawn, Refused};
use crate::progress::{Observer, Progress};

/// Puts what is being drawn on the board.
pub(super) struct Easel<'a, R> {
    pub(super) shared: &'a Shared<R>,
    pub(super) cancel: &'a CancelToken,
    /// A preview comes every so many steps; never at 0.
    pub(super) preview_every: u32,
}

impl<R> Observer for Easel<'_, R> {
    fn on_progress(&mut self, progress: &Progress) {
        let mut progress = progress.clone();
        let preview = progress.preview.take();
        self.shared.change(|board| board.tell(progress, preview));
    }

    fn wants_preview(&mut self, step: u32) -> bool {
        self.preview_every > 0 && step.is_multiple_of(self.preview_every)
    }

    fn on_picture(&mut self, drawn: Drawn) -> Option<Drawn> {
        self.shared.finish_picture(drawn, self.cancel);
        None
    }

    fn on_refused(&mut self, refused: &Refused) {
        self.shared.change(|board| board.refuse(*refused));
    }
}
