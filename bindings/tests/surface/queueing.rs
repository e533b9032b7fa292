//! A queue as a host uses it.

use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::time::{Duration, Instant};

use cones::{CallbackError, ConesError, Queue, QueueList, QueueListener, QueueOptions, QueueState, Request};

use crate::base::{drawn, engine, open, request, thrown};

/// Far longer than what is waited for takes on a slow machine.
const LONG: Duration = Duration::from_secs(60);

/// Keeps the lists it is told, and throws each time after that.
#[derive(Default)]
struct Lists(Mutex<Vec<QueueList>>);

impl Lists {
    fn seen(&self) -> Vec<QueueList> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl QueueListener for Lists {
    fn on_change(&self, list: QueueList) -> Result<(), CallbackError> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(list);
        Err(thrown())
    }
}

fn queue(listener: Option<Arc<dyn QueueListener>>) -> Arc<Queue> {
    Queue::open(engine(), QueueOptions::default(), listener).expect("a queue")
}

/// Waits until it is so.
fn until(what: &str, is_so: impl Fn() -> bool) {
    let end = Instant::now() + LONG;
    while !is_so() {
        assert!(Instant::now() < end, "{what} did not come");
        std::thread::sleep(Duration::from_millis(2));
    }
}

#[test]
fn a_queue_draws_in_order_and_an_error_stops_no_other() {
    let lists = Arc::new(Lists::default());
    let queue = queue(Some(lists.clone()));
    queue.pause().expect("open");
    let two = Request { count: 2, preview_every: 1, ..request(2) };
    let ids: Vec<_> = [request(3), Request { steps: Some(0), ..request(1) }, two]
        .map(|request| queue.add(request).expect("room"))
        .into();
    queue.move_to(ids[2], 0).expect("it waits");
    queue.resume().expect("open");
    let first = queue.wait(ids[0]).expect("it is there");
    let failed = queue.wait(ids[1]).expect("it is there");
    assert_eq!((first.state, first.drawn, first.ready), (QueueState::Done, 1, 1));
    assert!(first.timings.is_some_and(|timings| timings.steps > 0));
    assert_eq!(failed.state, QueueState::Failed);
    assert!(
        matches!(&failed.failure, Some(ConesError::BadRequest { details, .. }) if details == "steps"),
        "{failed:?}"
    );
    let ended: Vec<_> = queue.list().expect("open").entries.iter().map(|entry| entry.id).collect();
    assert_eq!(ended, [ids[2], ids[0], ids[1]]);
    assert_eq!(queue.take(ids[0]).expect("it is there")[0].rgba(), drawn(request(3)));
    let both = queue.take(ids[2]).expect("it is there");
    assert_eq!(
        both.iter().map(|picture| picture.recipe().map(|recipe| recipe.seed)).collect::<Vec<_>>(),
        [Some(7), Some(8)]
    );
    assert!(queue.take(ids[2]).expect("it is there").is_empty(), "given once");

    until("the last change", || {
        lists.seen().last().is_some_and(|list| list.entries.iter().all(|entry| entry.ready == 0))
    });
    let lists = lists.seen();
    assert!(lists.is_sorted_by(|one, other| one.revision < other.revision));
    assert_eq!(lists.last().map(|list| list.entries.len()), Some(3), "it is told though it throws each time");
}

#[test]
fn what_is_being_drawn_shows_its_progress_and_can_be_cancelled() {
    let before = drawn(request(2));
    let queue = queue(None);
    let id = queue.add(Request { preview_every: 1, ..request(900) }).expect("room");
    let next = queue.add(request(2)).expect("room");
    let entry = || queue.list().expect("open").entries.into_iter().find(|entry| entry.id == id).expect("it is there");
    until("a preview", || entry().progress.is_some_and(|progress| progress.step > 1 && progress.preview.is_some()));
    assert_eq!(entry().state, QueueState::Drawing);
    assert!(matches!(queue.remove(id), Err(ConesError::BadRequest { .. })), "not while it is drawn");
    assert!(matches!(queue.move_to(id, 0), Err(ConesError::BadRequest { .. })));
    assert!(queue.cancel(id).expect("it is there"));
    let stopped = queue.wait(id).expect("it is there");
    assert_eq!((stopped.state, stopped.drawn), (QueueState::Cancelled, 0));
    assert!(stopped.progress.is_none() && !queue.cancel(id).expect("it is there"));
    queue.wait(next).expect("it is there");
    assert_eq!(
        queue.take(next).expect("it is there")[0].rgba(),
        before,
        "the next is drawn as if nothing had been stopped"
    );
    queue.remove(id).expect("it is over");
    assert!(matches!(queue.take(id), Err(ConesError::NotFound { .. })));
}

#[test]
fn a_queue_that_is_freed_stops_and_leaves_its_engine() {
    let engine = open(None);
    let (ended, end) = mpsc::channel();
    struct Ending(mpsc::Sender<QueueList>);
    impl QueueListener for Ending {
        fn on_change(&self, list: QueueList) -> Result<(), CallbackError> {
            let _ = self.0.send(list);
            Ok(())
        }
    }
    let queue = Queue::open(engine.clone(), QueueOptions::default(), Some(Arc::new(Ending(ended)))).expect("a queue");
    queue.add(request(900)).expect("room");
    queue.add(request(900)).expect("room");
    until("the first", || queue.list().expect("open").entries[0].progress.is_some());
    let start = Instant::now();
    drop(queue);
    assert!(start.elapsed() < Duration::from_millis(500), "who frees it does not wait for it");
    let last = end.iter().last().expect("the end");
    assert!(last.entries.iter().all(|entry| entry.state == QueueState::Cancelled), "{last:?}");
    assert_eq!(engine.generate(request(2), None, None).expect("a picture").pictures[0].rgba(), drawn(request(2)));
}

#[test]
fn an_engine_draws_for_its_queue_and_for_others_in_turn() {
    let queue = queue(None);
    let ids: Vec<_> = (0..3).map(|_| queue.add(request(2)).expect("room")).collect();
    let own = engine().generate(request(2), None, None).expect("a picture").pictures[0].rgba();
    for id in ids {
        queue.wait(id).expect("it is there");
        assert_eq!(queue.take(id).expect("it is there")[0].rgba(), own);
    }
    let nothing = QueueOptions { most_entries: Some(0), ..QueueOptions::default() };
    assert!(matches!(Queue::open(engine(), nothing, None), Err(ConesError::BadRequest { .. })));
}
