//! What a worker stops at: Ctrl-C, the SIGTERM of engines, and its parent's end.

use std::io::Read;

use cones_fleet::Stop;

/// Asks to stop at the first signal; ends the program at the second.
pub(super) fn on_signals(stop: &Stop) -> std::io::Result<()> {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        for kind in [SignalKind::interrupt(), SignalKind::terminate()] {
            let (mut signals, stop) = (signal(kind)?, stop.clone());
            tokio::spawn(async move {
                while signals.recv().await.is_some() {
                    ask(&stop);
                }
            });
        }
    }
    #[cfg(not(unix))]
    {
        let stop = stop.clone();
        tokio::spawn(async move {
            while tokio::signal::ctrl_c().await.is_ok() {
                ask(&stop);
            }
        });
    }
    Ok(())
}

fn ask(stop: &Stop) {
    if stop.is_asked() {
        std::process::exit(130);
    }
    stop.ask();
}

/// Asks to stop when standard input ends: a parent holds its other end, and lets go when it stops or dies.
pub(super) fn with_standard_input(stop: &Stop) {
    let stop = stop.clone();
    std::thread::spawn(move || {
        let mut piece = [0; 64];
        while std::io::stdin().read(&mut piece).is_ok_and(|read| read > 0) {}
        stop.ask();
    });
}
