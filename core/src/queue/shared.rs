//! A queue's board between threads.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use super::board::{Board, Task};
use super::entry::{QueueEntry, QueueId, QueueList};
use super::options::QueueOptions;
use crate::cancel::CancelToken;
use crate::engine::outcome::Drawn;
use crate::error::Result;

/// A queue's board between threads. Nobody else's code runs while it is locked.
#[derive(Debug)]
pub(super) struct Shared<R> {
    board: Mutex<Board<R>>,
    changed: Condvar,
}

impl<R> Shared<R> {
    pub(super) fn new(options: QueueOptions) -> Result<Self> {
        Ok(Self { board: Mutex::new(Board::new(options.checked()?)), changed: Condvar::new() })
    }

    /// Reads the board.
    pub(super) fn read<T>(&self, look: impl FnOnce(&Board<R>) -> T) -> T {
        look(&self.lock())
    }

    /// Changes the board, and wakes whoever waits for that.
    pub(super) fn change<T>(&self, change: impl FnOnce(&mut Board<R>) -> T) -> T {
        let outcome = change(&mut self.lock());
        self.changed.notify_all();
        outcome
    }

    /// The next request, once it is its turn; `None` once the queue is stopped.
    pub(super) fn next(&self) -> Option<Task<R>> {
        let mut board = self.lock();
        loop {
            if board.is_stopped() {
                return None;
            }
            let task = board.begin();
            // Also where it says that it is full now.
            self.changed.notify_all();
            if task.is_some() {
                return task;
            }
            board = self.sleep(board);
        }
    }

    /// Hands over a picture of the request that is being drawn, once there is room. One that is cancelled waits for none: the picture is
    /// finished, and it was the last.
    pub(super) fn finish_picture(&self, drawn: Drawn, cancel: &CancelToken) {
        let mut board = self.lock();
        while !board.has_room() && !cancel.is_cancelled() {
            board.mark_full();
            self.changed.notify_all();
            board = self.sleep(board);
        }
        board.finish_picture(drawn);
        drop(board);
        self.changed.notify_all();
    }

    /// The list, once it is another than that of this revision; `None` once it will never be.
    pub(super) fn after(&self, revision: u64) -> Option<QueueList> {
        let mut board = self.lock();
        loop {
            if board.revision() > revision {
                return Some(board.list());
            }
            if board.is_closed() {
                return None;
            }
            board = self.sleep(board);
        }
    }

    /// Waits until a request is over, or until nothing goes on.
    pub(super) fn wait(&self, id: QueueId) -> Result<QueueEntry> {
        let mut board = self.lock();
        loop {
            let entry = board.entry(id)?;
            if entry.state.is_over() || board.is_full() {
                return Ok(entry);
            }
            board = self.sleep(board);
        }
    }

    fn sleep<'a>(&self, board: MutexGuard<'a, Board<R>>) -> MutexGuard<'a, Board<R>> {
        self.changed.wait(board).unwrap_or_else(PoisonError::into_inner)
    }

    fn lock(&self) -> MutexGuard<'_, Board<R>> {
        // Nothing panics while it is held.
        self.board.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
