//! The list of a queue, and what may be done with it. No thread and no clock: everything is a plain change.

use std::collections::VecDeque;
use std::sync::Arc;

use super::artist::Outline;
use super::entry::{QueueEntry, QueueId, QueueList, QueueState};
use super::options::QueueOptions;
use crate::cancel::CancelToken;
use crate::engine::outcome::{Drawn, Generated, Refused};
use crate::error::{Error, Result};
use crate::picture::Picture;
use crate::progress::Progress;

/// The list of a queue.
#[derive(Debug)]
pub(super) struct Board<R> {
    options: QueueOptions,
    /// In the order in which they ended.
    over: Vec<Kept>,
    drawing: Option<Drawing>,
    waiting: VecDeque<Waiting<R>>,
    /// Ids that were given.
    given: u64,
    paused: bool,
    full: bool,
    stopped: bool,
    closed: bool,
    revision: u64,
}

/// An entry with its pictures that nobody took.
#[derive(Debug)]
struct Kept {
    entry: QueueEntry,
    pictures: Vec<Drawn>,
}

#[derive(Debug)]
struct Drawing {
    kept: Kept,
    cancel: CancelToken,
}

#[derive(Debug)]
struct Waiting<R> {
    entry: QueueEntry,
    preview_every: u32,
    request: R,
}

/// What the worker is to do.
#[derive(Debug)]
pub(super) struct Task<R> {
    pub(super) request: R,
    pub(super) preview_every: u32,
    pub(super) cancel: CancelToken,
}

/// What was taken out of the list, for the caller to drop: a request that waited, or pictures that nobody took.
pub(super) type Removed<R> = (Option<R>, Vec<Drawn>);

impl<R> Board<R> {
    pub(super) fn new(options: QueueOptions) -> Self {
        Self {
            options,
            over: Vec::new(),
            drawing: None,
            waiting: VecDeque::new(),
            given: 0,
            paused: options.paused,
            full: false,
            stopped: false,
            closed: false,
            // Above what a listener was told that was told of nothing.
            revision: 1,
        }
    }

    pub(super) fn add(&mut self, requests: Vec<(Outline, R)>) -> Result<Vec<QueueId>> {
        if self.stopped {
            return Err(Error::request("queue", "is closed and takes no request"));
        }
        self.make_room(requests.len())?;
        let mut ids = Vec::new();
        for (outline, request) in requests {
            self.given += 1;
            let id = QueueId::new(self.given);
            let entry = QueueEntry::new(id, &outline.prompt, outline.pictures);
            let preview_every = outline.preview_every.unwrap_or(self.options.preview_every);
            self.waiting.push_back(Waiting { entry, preview_every, request });
            ids.push(id);
        }
        self.touch();
        Ok(ids)
    }

    /// Forgets the oldest that are over and have no picture left, as many as it takes.
    fn make_room(&mut self, coming: usize) -> Result<()> {
        let there = self.over.len() + usize::from(self.drawing.is_some()) + self.waiting.len();
        let forget = (there + coming).saturating_sub(self.options.most_entries);
        let empty = self.over.iter().filter(|kept| kept.pictures.is_empty()).count();
        if forget > empty {
            let reason = format!(
                "holds {there} requests that wait or have pictures that nobody took, and {coming} more would be above {}",
                self.options.most_entries
            );
            return Err(Error::request("queue", reason));
        }
        let mut left = forget;
        self.over.retain(|kept| {
            let forgotten = left > 0 && kept.pictures.is_empty();
            left -= usize::from(forgotten);
            !forgotten
        });
        Ok(())
    }

    pub(super) fn move_to(&mut self, id: QueueId, place: usize) -> Result<()> {
        let Some(from) = self.place(id) else {
            let entry = self.entry(id)?;
            let state = if entry.state.is_over() { "is over" } else { "is being drawn" };
            return Err(Error::request(
                "queue",
                format!("has request {id}, which {state}: only what waits can be moved"),
            ));
        };
        if let Some(moved) = self.waiting.remove(from) {
            self.waiting.insert(place.min(self.waiting.len()), moved);
        }
        self.touch();
        Ok(())
    }

    pub(super) fn remove(&mut self, id: QueueId) -> Result<Removed<R>> {
        if let Some(waiting) = self.place(id).and_then(|place| self.waiting.remove(place)) {
            self.touch();
            return Ok((Some(waiting.request), Vec::new()));
        }
        if let Some(place) = self.over.iter().position(|kept| kept.entry.id == id) {
            let removed = self.over.remove(place);
            self.touch();
            return Ok((None, removed.pictures));
        }
        self.entry(id)?;
        Err(Error::request("queue", format!("is drawing request {id}: cancel it, and remove it once it is over")))
    }

    pub(super) fn cancel(&mut self, id: QueueId) -> Result<bool> {
        if let Some(drawing) = self.drawing.as_ref().filter(|drawing| drawing.kept.entry.id == id) {
            drawing.cancel.cancel();
            return Ok(true);
        }
        if let Some(waiting) = self.place(id).and_then(|place| self.waiting.remove(place)) {
            self.cancelled(waiting.entry);
            return Ok(true);
        }
        self.entry(id).map(|_| false)
    }

    pub(super) fn pause(&mut self, paused: bool) {
        if self.paused != paused {
            self.paused = paused;
            self.touch();
        }
    }

    pub(super) fn take(&mut self, id: QueueId) -> Result<Vec<Drawn>> {
        let drawing = self.drawing.as_mut().map(|drawing| &mut drawing.kept);
        let Some(kept) = drawing.into_iter().chain(&mut self.over).find(|kept| kept.entry.id == id) else {
            // One that waits has none.
            return self.entry(id).map(|_| Vec::new());
        };
        let taken = std::mem::take(&mut kept.pictures);
        kept.entry.ready = 0;
        if !taken.is_empty() {
            self.touch();
        }
        Ok(taken)
    }

    /// Cancels everything, for good. Where there is nothing to cancel the list stays as it is, and nobody is told.
    pub(super) fn stop(&mut self) {
        if std::mem::replace(&mut self.stopped, true) {
            return;
        }
        if let Some(drawing) = &self.drawing {
            drawing.cancel.cancel();
        }
        for waiting in std::mem::take(&mut self.waiting) {
            self.cancelled(waiting.entry);
        }
    }

    /// Nothing will change any more.
    pub(super) fn closed(&mut self) {
        self.closed = true;
    }

    /// The request whose turn it is, if there is one.
    pub(super) fn begin(&mut self) -> Option<Task<R>> {
        if self.paused || self.waiting.is_empty() {
            return None;
        }
        if !self.has_room() {
            self.mark_full();
            return None;
        }
        let Waiting { mut entry, preview_every, request } = self.waiting.pop_front()?;
        entry.state = QueueState::Drawing;
        let cancel = CancelToken::new();
        self.drawing = Some(Drawing { kept: Kept { entry, pictures: Vec::new() }, cancel: cancel.clone() });
        self.touch();
        Some(Task { request, preview_every, cancel })
    }

    /// What the request that is being drawn tells.
    pub(super) fn tell(&mut self, progress: Progress, preview: Option<Picture>) {
        self.drawn_on(|kept| {
            kept.entry.preview = preview.map(Arc::new).or(kept.entry.preview.take());
            kept.entry.progress = Some(Arc::new(progress));
        });
    }

    /// A picture of the request that is being drawn.
    pub(super) fn finish_picture(&mut self, drawn: Drawn) {
        self.drawn_on(|kept| kept.finish_picture(drawn));
    }

    /// A picture of it that nobody gets.
    pub(super) fn refuse(&mut self, refused: Refused) {
        self.drawn_on(|kept| kept.entry.refused.push(refused));
    }

    /// What it came to.
    pub(super) fn end(&mut self, result: Result<Generated>) {
        let Some(Drawing { mut kept, .. }) = self.drawing.take() else { return };
        (kept.entry.progress, kept.entry.preview) = (None, None);
        kept.entry.state = match result {
            Ok(generated) => kept.finish(generated),
            Err(error) if error.is_cancelled() => QueueState::Cancelled,
            Err(error) => QueueState::Failed(Arc::new(error)),
        };
        self.over.push(kept);
        self.touch();
    }

    pub(super) fn list(&self) -> QueueList {
        QueueList {
            entries: self.entries().cloned().collect(),
            paused: self.paused,
            full: self.full,
            revision: self.revision,
        }
    }

    pub(super) fn entry(&self, id: QueueId) -> Result<QueueEntry> {
        let found = self.entries().find(|entry| entry.id == id).cloned();
        found.ok_or_else(|| Error::not_found(id.to_string(), "is in the queue", "look into its list again"))
    }

    pub(super) fn revision(&self) -> u64 {
        self.revision
    }

    pub(super) fn is_stopped(&self) -> bool {
        self.stopped
    }

    pub(super) fn is_closed(&self) -> bool {
        self.closed
    }

    /// Whether nothing goes on until pictures are taken.
    pub(super) fn is_full(&self) -> bool {
        self.full
    }

    /// Whether one more picture may be held.
    pub(super) fn has_room(&self) -> bool {
        let drawing = self.drawing.as_ref().map(|drawing| &drawing.kept);
        let pictures = self.over.iter().chain(drawing).flat_map(|kept| &kept.pictures);
        pictures.map(|drawn| drawn.picture.rgb.len() as u64).sum::<u64>() < self.options.most_bytes
    }

    /// Nothing goes on until pictures are taken.
    pub(super) fn mark_full(&mut self) {
        if !self.full {
            self.touch();
            self.full = true;
        }
    }

    fn entries(&self) -> impl Iterator<Item = &QueueEntry> {
        let over = self.over.iter().map(|kept| &kept.entry);
        let drawing = self.drawing.iter().map(|drawing| &drawing.kept.entry);
        over.chain(drawing).chain(self.waiting.iter().map(|waiting| &waiting.entry))
    }

    fn place(&self, id: QueueId) -> Option<usize> {
        self.waiting.iter().position(|waiting| waiting.entry.id == id)
    }

    fn drawn_on(&mut self, change: impl FnOnce(&mut Kept)) {
        if let Some(drawing) = &mut self.drawing {
            change(&mut drawing.kept);
            self.touch();
        }
    }

    fn cancelled(&mut self, mut entry: QueueEntry) {
        entry.state = QueueState::Cancelled;
        self.over.push(Kept { entry, pictures: Vec::new() });
        self.touch();
    }

    /// After each change. What is full may have room again.
    fn touch(&mut self) {
        self.revision += 1;
        self.full = self.full && !self.has_room();
    }
}

impl Kept {
    fn finish_picture(&mut self, drawn: Drawn) {
        self.pictures.push(drawn);
        self.entry.drawn += 1;
        self.entry.ready += 1;
    }

    fn finish(&mut self, generated: Generated) -> QueueState {
        // An artist that does not show its observer what it draws gives it here.
        generated.pictures.into_iter().for_each(|drawn| self.finish_picture(drawn));
        self.entry.refused = generated.refused;
        self.entry.warnings = generated.warnings.into();
        self.entry.timings = Some(generated.timings);
        let nothing = self.entry.drawn == 0 && !self.entry.refused.is_empty();
        if nothing { QueueState::Refused } else { QueueState::Done }
    }
}
