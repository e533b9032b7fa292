//! One engine for a long time: a few rounds here, thousands by `cargo xtask endure`.

use std::time::{Duration, Instant};

use cones_core::{CancelToken, Error, Picture};
use cones_tests::base;
use cones_tests::endure::{self, Course};

use super::{request, subject};

/// After so many cancelled pictures one is drawn to its end.
const CANCELS: u64 = 100;

/// A cancel from another thread at any moment of a picture leaves the engine as it was.
#[test]
fn a_picture_after_many_cancelled_ones_is_the_first() {
    let times = endure::times(30);
    let mut engine = base::engine();
    let mut wanted = request("a dog and an apple on grass");
    wanted.subjects = vec![subject(engine.bundle(), 1)];
    let first = base::draw(&mut engine, &wanted);
    // A little longer than a picture takes, so that the last moments are hit as well.
    let longer = |start: Instant| start.elapsed().as_micros() as u64 * 11 / 10;
    let start = Instant::now();
    assert_eq!(base::draw(&mut engine, &wanted), first);
    let mut longest = longer(start);
    let (mut cancelled, mut compared, mut course) = (0, 0, Course::default());
    for round in 0..times {
        let life = Duration::from_micros(endure::scattered(round, longest));
        let start = Instant::now();
        match cancel_after(life, |cancel| engine.generate(&wanted, &mut (), cancel)) {
            Err(Error::Cancelled) => cancelled += 1,
            Ok(generated) => {
                assert_eq!(generated.pictures[0].picture, first, "round {round}");
                // What else the machine did while the first was timed may have ended since.
                longest = longest.min(longer(start));
            }
            Err(error) => panic!("round {round}: {error}"),
        }
        course.note();
        if (round + 1).is_multiple_of(CANCELS) || round + 1 == times {
            assert_eq!(base::draw(&mut engine, &wanted), first, "after {} rounds", round + 1);
            compared += 1;
        }
    }
    assert!(cancelled > 0, "none of {times}");
    let memory = course.told();
    endure::say(
        "cancelled pictures",
        format_args!(
            "{times} rounds, {cancelled} cancelled before their end; {compared} pictures after them equal to the \
             first to the bit; {memory}"
        ),
    );
}

/// Calls with a token that is cancelled after a while, unless the call is over by then.
fn cancel_after<T>(life: Duration, call: impl FnOnce(&CancelToken) -> T) -> T {
    let cancel = CancelToken::new();
    let (done, wait) = std::sync::mpsc::channel::<()>();
    std::thread::scope(|scope| {
        let remote = &cancel;
        scope.spawn(move || {
            if wait.recv_timeout(life).is_err() {
                remote.cancel();
            }
        });
        let outcome = call(&cancel);
        // The other thread may be gone already.
        let _ = done.send(());
        outcome
    })
}

/// Subjects come and go at random, and the base model's pictures stay the base model's.
#[test]
fn base_pictures_between_subjects_are_the_first() {
    let times = endure::times(16);
    let mut engine = base::engine();
    let base_request = request("a dog and an apple on grass");
    let subjects: Vec<_> = (1..=4).map(|seed| subject(engine.bundle(), seed)).collect();
    let first = base::draw(&mut engine, &base_request);
    let mut seen: Vec<Option<Picture>> = vec![None; 1 << subjects.len()];
    let (mut base_pictures, mut again, mut course) = (0, 0, Course::default());
    for round in 0..times {
        // Each bit switches a subject; every other picture is the base model's.
        let switched = if round % 2 == 0 { 0 } else { endure::scattered(round, seen.len() as u64) as usize };
        let mut wanted = base_request.clone();
        let on = subjects.iter().enumerate().filter(|(place, _)| switched >> place & 1 == 1);
        wanted.subjects = on.map(|(_, subject)| subject.clone()).collect();
        let drawn = base::draw(&mut engine, &wanted);
        if switched == 0 {
            assert!(drawn == first, "round {round}: the base model's picture is another one");
            base_pictures += 1;
        } else if let Some(before) = &seen[switched] {
            assert!(drawn == *before, "round {round}: the same subjects ({switched:b}) draw another picture");
            again += 1;
        } else {
            assert!(drawn != first, "round {round}: the subjects change nothing");
            seen[switched] = Some(drawn);
        }
        course.note();
    }
    let memory = course.told();
    endure::say(
        "switched subjects",
        format_args!(
            "{times} pictures; {base_pictures} of the base model equal to the first to the bit, {again} with \
             subjects equal to those with the same before; {memory}"
        ),
    );
}
