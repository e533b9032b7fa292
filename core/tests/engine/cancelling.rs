//! Stopping, and going on as if nothing had been stopped.

use std::sync::mpsc;
use std::time::{Duration, Instant};

use cones_core::{CancelToken, Error, Progress, Stage};
use cones_tests::base;

use super::{request, subject};

/// Far longer than a step on any machine that runs the tests, far shorter than the cancelled run.
const SOON: Duration = Duration::from_secs(5);

#[test]
fn a_cancel_from_another_thread_stops_within_a_step_and_leaves_the_engine_whole() {
    let mut engine = base::shared();
    let mut short = request("a dog and an apple on grass");
    short.subjects = vec![subject(engine.bundle(), 1)];
    let expected = base::draw(&mut base::engine(), &short);

    let mut long = short.clone();
    long.steps = Some(900);
    let cancel = CancelToken::new();
    let (begun, wait) = mpsc::channel();
    let remote = cancel.clone();
    let canceller = std::thread::spawn(move || {
        wait.recv().expect("a first step");
        std::thread::sleep(Duration::from_millis(20));
        remote.cancel();
        Instant::now()
    });
    let (mut steps, mut after) = (0, 0);
    let result = engine.generate(
        &long,
        &mut |progress: &Progress| {
            if progress.stage == Stage::Denoising {
                steps = progress.step;
                after += u32::from(cancel.is_cancelled());
                let _ = begun.send(());
            }
        },
        &cancel,
    );
    let stopped = Instant::now();
    let cancelled = canceller.join().expect("the other thread");
    assert!(matches!(result, Err(Error::Cancelled)), "{result:?}");
    println!("stopped {:?} after the cancel, in step {}", stopped - cancelled, steps + 1);
    assert!(stopped - cancelled < SOON && steps < 900);
    assert!(after <= 1, "at most the step that was under way");

    assert_eq!(base::draw(&mut engine, &short), expected);
}

#[test]
fn a_cancel_between_steps_makes_no_further_step() {
    let mut engine = base::shared();
    let cancel = CancelToken::new();
    let mut seen = Vec::new();
    let result = engine.generate(
        &request("a cat"),
        &mut |progress: &Progress| {
            seen.push((progress.stage, progress.step));
            if progress.step == 2 {
                cancel.cancel();
            }
        },
        &cancel,
    );
    assert!(matches!(result, Err(Error::Cancelled)));
    assert_eq!(seen.last(), Some(&(Stage::Denoising, 2)));
}

#[test]
fn a_cancelled_token_starts_nothing() {
    let cancel = CancelToken::new();
    cancel.cancel();
    let mut engine = base::engine();
    let start = Instant::now();
    let result = engine.generate(&request("a cat"), &mut |p: &Progress| assert_eq!(p.step, 0), &cancel);
    assert!(matches!(result, Err(Error::Cancelled)));
    println!("refused in {:?}", start.elapsed());
    // The same engine, a fresh token.
    assert_eq!(base::draw(&mut engine, &request("a cat")), base::draw(&mut base::shared(), &request("a cat")));
}

#[test]
fn an_unusable_request_is_reported_as_such_even_when_cancelled() {
    let cancel = CancelToken::new();
    cancel.cancel();
    let mut bad = request("a cat");
    bad.steps = Some(0);
    assert!(matches!(base::shared().generate(&bad, &mut (), &cancel), Err(Error::BadRequest { field: "steps", .. })));
}
