//! One call at a time, the others wait for their turn.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::ThreadId;
use std::time::Duration;

use crate::ConesError;

/// How long a waiting call may miss that it was cancelled: the token knows nothing of this queue.
const GLANCE: Duration = Duration::from_millis(20);

/// A value that one call at a time may use.
#[derive(Debug)]
pub(crate) struct Turn<T> {
    value: Mutex<T>,
    holder: Mutex<Option<ThreadId>>,
    free: Condvar,
}

impl<T> Turn<T> {
    pub(crate) fn new(value: T) -> Self {
        Self { value: Mutex::new(value), holder: Mutex::new(None), free: Condvar::new() }
    }

    /// Waits until no other thread has the value.
    ///
    /// # Errors
    /// [`ConesError::Busy`] when this thread has it already: a plain lock would wait for itself for ever.
    /// [`ConesError::Cancelled`] when the call is cancelled while it waits.
    pub(crate) fn take(&self, cancel: &cones_core::CancelToken) -> Result<Held<'_, T>, ConesError> {
        let this = std::thread::current().id();
        let mut holder = self.holder.lock().unwrap_or_else(PoisonError::into_inner);
        while let Some(other) = *holder {
            if other == this {
                return Err(ConesError::busy());
            }
            cancel.check()?;
            holder = self.free.wait_timeout(holder, GLANCE).unwrap_or_else(PoisonError::into_inner).0;
        }
        *holder = Some(this);
        drop(holder);
        let seat = Seat { holder: &self.holder, free: &self.free };
        // Nobody else holds it. After a panic it is as sound as before: the core changes it by whole assignments.
        let value = self.value.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(Held { value, _seat: seat })
    }
}

/// The value, until this is dropped: first the value is let go, then the next call is told.
pub(crate) struct Held<'a, T> {
    pub(crate) value: MutexGuard<'a, T>,
    _seat: Seat<'a>,
}

struct Seat<'a> {
    holder: &'a Mutex<Option<ThreadId>>,
    free: &'a Condvar,
}

impl Drop for Seat<'_> {
    fn drop(&mut self) {
        *self.holder.lock().unwrap_or_else(PoisonError::into_inner) = None;
        self.free.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    #[test]
    fn threads_take_turns() {
        let turn = Turn::new(0_u64);
        let inside = AtomicU32::new(0);
        let cancel = cones_core::CancelToken::new();
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    for _ in 0..200 {
                        let mut held = turn.take(&cancel).expect("a turn");
                        assert_eq!(inside.fetch_add(1, Ordering::SeqCst), 0);
                        *held.value += 1;
                        inside.fetch_sub(1, Ordering::SeqCst);
                    }
                });
            }
        });
        assert_eq!(*turn.take(&cancel).expect("a turn").value, 1600);
    }

    #[test]
    fn the_thread_that_has_it_is_told_so() {
        let turn = Turn::new(());
        let cancel = cones_core::CancelToken::new();
        let held = turn.take(&cancel).expect("a turn");
        assert!(matches!(turn.take(&cancel), Err(ConesError::Busy { .. })));
        drop(held);
        assert!(turn.take(&cancel).is_ok());
    }

    #[test]
    fn who_waits_can_be_cancelled() {
        let turn = Turn::new(());
        let cancel = cones_core::CancelToken::new();
        let held = turn.take(&cancel).expect("a turn");
        std::thread::scope(|scope| {
            let own = cones_core::CancelToken::new();
            let waiting = scope.spawn({
                let (turn, own) = (&turn, own.clone());
                move || turn.take(&own).map(drop)
            });
            own.cancel();
            assert!(matches!(waiting.join().expect("no panic"), Err(ConesError::Cancelled { .. })));
        });
        drop(held);
    }

    #[test]
    fn a_panic_frees_it() {
        let turn = Turn::new(());
        let cancel = cones_core::CancelToken::new();
        let caught = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            let _held = turn.take(&cancel).expect("a turn");
            panic!("on purpose");
        }));
        assert!(caught.is_err());
        assert!(turn.take(&cancel).is_ok());
    }
}
