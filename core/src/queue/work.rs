//! The thread on which a queue's requests are drawn.

use std::any::Any;
use std::panic::{self, AssertUnwindSafe};

use super::artist::Artist;
use super::easel::Easel;
use super::shared::Shared;
use crate::error::Error;

/// Draws one request after another until the queue is stopped.
pub(super) fn work<A: Artist>(mut artist: A, shared: &Shared<A::Request>) -> A {
    while let Some(task) = shared.next() {
        let mut easel = Easel { shared, cancel: &task.cancel, preview_every: task.preview_every };
        let drawing = AssertUnwindSafe(|| artist.draw(&task.request, &mut easel, &task.cancel));
        // What is half done in an engine is made anew for the next request, as after an error.
        let result = panic::catch_unwind(drawing).unwrap_or_else(|panic| {
            Err(Error::Runtime { stage: "drawing a request of the queue".into(), reason: words(panic.as_ref()) })
        });
        shared.change(|board| board.end(result));
    }
    artist
}

/// What a panic says.
fn words(panic: &(dyn Any + Send)) -> String {
    let said = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    let said = said.or_else(|| panic.downcast_ref::<String>().cloned());
    said.map_or_else(|| "it panicked".to_owned(), |said| format!("it panicked: {said}"))
}
