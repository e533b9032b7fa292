//! Cancelling before, during and while waiting.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, mpsc};

use cones::{CancelToken, ConesError};

use crate::base::{Acting, drawn, engine, open, request};

#[test]
fn a_cancelled_token_draws_nothing() {
    let cancel = CancelToken::new();
    cancel.cancel();
    assert!(cancel.is_cancelled());
    let listener = Acting::new(|_| Ok(()));
    let error = engine().generate(request(2), Some(listener.clone()), Some(cancel)).expect_err("cancelled");
    assert!(matches!(error, ConesError::Cancelled { .. }), "{error:?}");
    assert!(listener.seen().is_empty());
}

#[test]
fn cancel_stops_within_a_step_and_leaves_the_engine_usable() {
    let before = drawn(request(3));
    let cancel = CancelToken::new();
    let (started, told) = mpsc::channel();
    let after = Arc::new(AtomicU32::new(0));
    let listener = {
        let (cancel, after) = (cancel.clone(), after.clone());
        Acting::new(move |p| {
            if cancel.is_cancelled() {
                after.fetch_add(1, Ordering::SeqCst);
            }
            if p.step == 2 {
                started.send(()).expect("somebody waits");
            }
            Ok(())
        })
    };
    let engine = engine();
    std::thread::scope(|scope| {
        let drawing = scope.spawn(|| engine.generate(request(900), Some(listener), Some(cancel.clone())));
        told.recv().expect("two steps");
        cancel.cancel();
        let error = drawing.join().expect("no panic").expect_err("cancelled");
        assert!(matches!(error, ConesError::Cancelled { .. }), "{error:?}");
    });
    // The step that was ending, at the most.
    assert!(after.load(Ordering::SeqCst) <= 1, "{after:?}");
    assert_eq!(drawn(request(3)), before);
}

#[test]
fn a_call_that_waits_for_its_turn_can_be_cancelled() {
    let engine = open(None);
    let (first, second) = (CancelToken::new(), CancelToken::new());
    let (started, told) = mpsc::channel();
    let listener = Acting::new(move |_| {
        let _ = started.send(());
        Ok(())
    });
    std::thread::scope(|scope| {
        let drawing = scope.spawn(|| engine.generate(request(900), Some(listener), Some(first.clone())));
        told.recv().expect("it has begun");
        let waiting = scope.spawn(|| engine.generate(request(2), None, Some(second.clone())));
        second.cancel();
        let waited = waiting.join().expect("no panic");
        assert!(matches!(waited, Err(ConesError::Cancelled { .. })), "{waited:?}");
        assert!(!drawing.is_finished(), "it did not wait for the other");
        first.cancel();
        assert!(matches!(drawing.join().expect("no panic"), Err(ConesError::Cancelled { .. })));
    });
}

#[test]
fn one_token_stops_two_engines() {
    let cancel = CancelToken::new();
    let (started, told) = mpsc::channel();
    let engines = [open(None), open(None)];
    std::thread::scope(|scope| {
        let drawing: Vec<_> = engines
            .iter()
            .map(|engine| {
                let (cancel, started) = (cancel.clone(), started.clone());
                let listener = Acting::new(move |p| {
                    if p.step == 1 {
                        started.send(()).expect("somebody waits");
                    }
                    Ok(())
                });
                scope.spawn(move || engine.generate(request(900), Some(listener), Some(cancel)))
            })
            .collect();
        told.recv().expect("one draws");
        told.recv().expect("both draw");
        cancel.cancel();
        for result in drawing {
            assert!(matches!(result.join().expect("no panic"), Err(ConesError::Cancelled { .. })));
        }
    });
}
