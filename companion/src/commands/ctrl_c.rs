//! Ctrl-C for commands that serve until it comes.

use std::sync::atomic::{AtomicBool, Ordering};

use crate::failure::Failure;

/// Has `stop` called by the first Ctrl-C, which lets what is under way be ended in order; a second one ends the program at once.
pub(super) fn stops(stop: impl Fn() + Send + 'static) -> Result<(), Failure> {
    let stopped = AtomicBool::new(false);
    ctrlc::set_handler(move || {
        if stopped.swap(true, Ordering::SeqCst) {
            std::process::exit(130);
        }
        stop();
    })?;
    Ok(())
}
