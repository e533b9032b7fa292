//! An engine behind a queue: what it draws, how it is stopped, and what becomes of pictures that are not safe.

use std::time::{Duration, Instant};

use cones_core::queue::{Queue, QueueOptions, QueueState};
use cones_core::{Bundle, Engine, Error, SafetyPolicy};
use cones_tests::{base, classifier};

use super::request;

#[test]
fn a_queue_draws_what_its_engine_draws_and_gives_it_back() {
    let alone = base::draw(&mut base::engine(), &request("a cat"));
    let queue = Queue::new(base::engine(), QueueOptions::default()).expect("a queue");
    let requests = vec![request("a cat"), request("a cat").with_steps(0), request("a dog").with_count(3)];
    let ids = queue.add_all(requests).expect("room");
    let states: Vec<_> = ids.iter().map(|&id| queue.wait(id).expect("it is there").state).collect();
    assert!(matches!(states[0], QueueState::Done) && matches!(states[2], QueueState::Done), "{states:?}");
    assert!(
        matches!(&states[1], QueueState::Failed(error) if matches!(**error, Error::BadRequest { field: "steps", .. }))
    );
    assert_eq!(queue.take(ids[0]).expect("it is there")[0].picture, alone);
    let seeds: Vec<_> = queue.take(ids[2]).expect("it is there").iter().map(|drawn| drawn.recipe.seed).collect();
    assert_eq!(seeds, [11, 12, 13]);
    let mut engine = queue.close().expect("its engine");
    assert_eq!(base::draw(&mut engine, &request("a cat")), alone);
}

#[test]
fn cancelling_and_dropping_stop_what_is_being_drawn_within_a_step() {
    let queue = Queue::new(base::engine(), QueueOptions::default().with_preview_every(1)).expect("a queue");
    let long = || request("a cat").with_steps(900);
    let ids = queue.add_all(vec![long(), long(), request("a cat")]).expect("room");
    let begun = |id| {
        let end = Instant::now() + Duration::from_secs(60);
        while queue.entry(id).expect("it is there").preview.is_none() {
            assert!(Instant::now() < end, "no step came");
            std::thread::sleep(Duration::from_millis(1));
        }
    };
    begun(ids[0]);
    assert!(queue.cancel(ids[0]).expect("it is there"));
    assert!(matches!(queue.wait(ids[0]).expect("it is there").state, QueueState::Cancelled));
    begun(ids[1]);
    assert!(matches!(queue.entry(ids[2]).expect("it is there").state, QueueState::Waiting));
    let start = Instant::now();
    drop(queue);
    // Far longer than a step, far shorter than 900 of them.
    assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
}

#[test]
fn a_request_of_which_nothing_may_be_shown_is_refused() {
    // Every picture is above this threshold.
    let folder = classifier::bundle(0.0);
    let bundle = Bundle::open(folder.path()).expect("a bundle");
    let engine = Engine::new(bundle, base::options().with_safety(SafetyPolicy::Refuse)).expect("an engine");
    let queue = Queue::new(engine, QueueOptions::default()).expect("a queue");
    let id = queue.add(request("a red apple").with_count(2)).expect("room");
    let entry = queue.wait(id).expect("it is there");
    assert!(matches!(entry.state, QueueState::Refused), "{entry:?}");
    assert_eq!(entry.refused.iter().map(|refused| refused.seed).collect::<Vec<_>>(), [11, 12]);
    assert!(entry.drawn == 0 && queue.take(id).expect("it is there").is_empty());
}
