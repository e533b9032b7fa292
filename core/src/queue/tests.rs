//! Any order of operations, beside a model that does them one at a time; and what a thread of its own brings.

mod puppet;

use std::sync::mpsc::{self, Receiver};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use proptest::prelude::*;

use super::*;
use puppet::{Act, Puppet, puppet};

/// Far longer than a thread takes to notice.
const SOON: Duration = Duration::from_secs(20);

/// What a test compares of an entry: its id and state, and how many pictures are drawn, ready and refused.
type Seen = (u64, &'static str, u32, u32, u32);

fn name(state: &QueueState) -> &'static str {
    match state {
        QueueState::Waiting => "waiting",
        QueueState::Drawing => "drawing",
        QueueState::Done => "done",
        QueueState::Refused => "refused",
        QueueState::Failed(_) => "failed",
        QueueState::Cancelled => "cancelled",
    }
}

fn seen(list: &QueueList) -> (Vec<Seen>, bool, bool) {
    let entries = list.entries.iter().map(|entry| {
        let refused = u32::try_from(entry.refused.len()).expect("few");
        (entry.id.number(), name(&entry.state), entry.drawn, entry.ready, refused)
    });
    (entries.collect(), list.paused, list.full)
}

/// Waits until it is so.
fn until<T: PartialEq + std::fmt::Debug>(expected: &T, look: impl Fn() -> T) {
    let end = Instant::now() + SOON;
    loop {
        let now = look();
        if now == *expected {
            return;
        }
        assert!(Instant::now() < end, "{now:?} did not become {expected:?}");
        std::thread::sleep(Duration::from_micros(50));
    }
}

/// The simplest queue: a list, changed one thing at a time.
#[derive(Debug, Default)]
struct Model {
    over: Vec<Seen>,
    drawing: Option<Seen>,
    waiting: Vec<Seen>,
    given: u64,
    paused: bool,
    full: bool,
    /// A picture that is drawn, and for which there is no room.
    held_up: bool,
    begun: Vec<u64>,
}

const MOST_ENTRIES: usize = 6;
const MOST_PICTURES: u32 = 3;

impl Model {
    fn held(&self) -> u32 {
        self.over.iter().chain(&self.drawing).map(|entry| entry.3).sum()
    }

    fn seen(&self) -> (Vec<Seen>, bool, bool) {
        (self.over.iter().chain(&self.drawing).chain(&self.waiting).copied().collect(), self.paused, self.full)
    }

    /// Ids of everything there is, then one that there never was.
    fn id(&self, index: usize) -> u64 {
        let all = self.seen().0;
        all.get(index % (all.len() + 1)).map_or(u64::MAX, |entry| entry.0)
    }

    /// What the queue does by itself.
    fn go_on(&mut self) {
        let room = self.held() < MOST_PICTURES;
        self.full = self.full && !room;
        if self.held_up && room {
            self.held_up = false;
            self.finish_picture();
            return self.go_on();
        }
        if self.paused || self.waiting.is_empty() || self.drawing.is_some() {
            return;
        }
        if !room {
            self.full = true;
            return;
        }
        let mut next = self.waiting.remove(0);
        next.1 = "drawing";
        self.begun.push(next.0);
        self.drawing = Some(next);
    }

    fn finish_picture(&mut self) {
        if let Some(entry) = &mut self.drawing {
            entry.2 += 1;
            entry.3 += 1;
        }
    }

    fn end(&mut self, state: &'static str) {
        if let Some(mut entry) = self.drawing.take() {
            entry.1 = state;
            self.over.push(entry);
        }
    }

    fn add(&mut self, count: usize) -> bool {
        let mut forget = (self.seen().0.len() + count).saturating_sub(MOST_ENTRIES);
        if self.over.iter().filter(|entry| entry.3 == 0).count() < forget {
            return false;
        }
        while forget > 0 {
            let oldest = self.over.iter().position(|entry| entry.3 == 0).expect("counted");
            self.over.remove(oldest);
            forget -= 1;
        }
        for _ in 0..count {
            self.given += 1;
            self.waiting.push((self.given, "waiting", 0, 0, 0));
        }
        true
    }

    fn move_to(&mut self, id: u64, place: usize) -> bool {
        let Some(from) = self.waiting.iter().position(|entry| entry.0 == id) else { return false };
        let entry = self.waiting.remove(from);
        self.waiting.insert(place.min(self.waiting.len()), entry);
        true
    }

    fn remove(&mut self, id: u64) -> bool {
        let before = self.over.len() + self.waiting.len();
        self.over.retain(|entry| entry.0 != id);
        self.waiting.retain(|entry| entry.0 != id);
        self.over.len() + self.waiting.len() < before
    }

    fn cancel(&mut self, id: u64) -> Option<bool> {
        if self.drawing.is_some_and(|entry| entry.0 == id) {
            if std::mem::take(&mut self.held_up) {
                self.finish_picture();
            }
            self.end("cancelled");
            return Some(true);
        }
        if let Some(from) = self.waiting.iter().position(|entry| entry.0 == id) {
            let mut entry = self.waiting.remove(from);
            entry.1 = "cancelled";
            self.over.push(entry);
            return Some(true);
        }
        self.over.iter().any(|entry| entry.0 == id).then_some(false)
    }

    fn take(&mut self, id: u64) -> Option<u32> {
        let mut all = self.over.iter_mut().chain(&mut self.drawing).chain(&mut self.waiting);
        let entry = all.find(|entry| entry.0 == id)?;
        Some(std::mem::take(&mut entry.3))
    }

    /// Whether the puppet can be told this.
    fn act(&mut self, act: Act) -> bool {
        let room = self.held() < MOST_PICTURES;
        let Some(entry) = self.drawing.as_mut().filter(|_| !self.held_up) else { return false };
        let nothing = entry.2 == 0 && entry.4 > 0;
        match act {
            Act::Step => {}
            Act::Refuse => entry.4 += 1,
            Act::Picture if room => self.finish_picture(),
            Act::Picture => (self.held_up, self.full) = (true, true),
            Act::Finish => self.end(if nothing { "refused" } else { "done" }),
            Act::Fail | Act::Panic => self.end("failed"),
        }
        true
    }
}

#[derive(Debug, Clone)]
enum Step {
    Add(usize),
    Move(usize, usize),
    Remove(usize),
    Cancel(usize),
    Take(usize),
    Pause,
    Resume,
    Pull(Act),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let index = 0..8_usize;
    let acts = [Act::Step, Act::Picture, Act::Picture, Act::Refuse, Act::Finish, Act::Finish, Act::Fail, Act::Panic];
    let step = prop_oneof![
        4 => (1..4_usize).prop_map(Step::Add),
        2 => (index.clone(), 0..5_usize).prop_map(|(index, place)| Step::Move(index, place)),
        1 => index.clone().prop_map(Step::Remove),
        2 => index.clone().prop_map(Step::Cancel),
        2 => index.prop_map(Step::Take),
        1 => Just(Step::Pause),
        2 => Just(Step::Resume),
        8 => proptest::sample::select(acts.to_vec()).prop_map(Step::Pull),
    ];
    proptest::collection::vec(step, 1..50)
}

fn small() -> QueueOptions {
    QueueOptions::default().with_most_entries(MOST_ENTRIES).with_most_bytes(3 * u64::from(MOST_PICTURES))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn it_is_at_each_moment_what_the_model_is(steps in steps()) {
        let (artist, strings) = puppet();
        let queue = Queue::new(artist, small()).expect("a queue");
        let mut model = Model::default();
        for step in steps {
            match step {
                Step::Add(count) => {
                    let seeds = (1..=count as u64).map(|next| model.given + next).collect();
                    let ids = queue.add_all(seeds);
                    let first = model.given + 1;
                    prop_assert_eq!(ids.is_ok(), model.add(count));
                    for (id, expected) in ids.unwrap_or_default().iter().zip(first..) {
                        prop_assert_eq!(id.number(), expected);
                    }
                }
                Step::Move(index, place) => {
                    let id = model.id(index);
                    prop_assert_eq!(queue.move_to(QueueId::new(id), place).is_ok(), model.move_to(id, place));
                }
                Step::Remove(index) => {
                    let id = model.id(index);
                    prop_assert_eq!(queue.remove(QueueId::new(id)).is_ok(), model.remove(id));
                }
                Step::Cancel(index) => {
                    let id = model.id(index);
                    prop_assert_eq!(queue.cancel(QueueId::new(id)).ok(), model.cancel(id));
                }
                Step::Take(index) => {
                    let id = model.id(index);
                    let taken = queue.take(QueueId::new(id)).ok();
                    let taken = taken.map(|taken| taken.iter().map(|drawn| drawn.recipe.seed).collect::<Vec<_>>());
                    prop_assert_eq!(taken, model.take(id).map(|count| vec![id; count as usize]));
                }
                Step::Pause => {
                    queue.pause();
                    model.paused = true;
                }
                Step::Resume => {
                    queue.resume();
                    model.paused = false;
                }
                Step::Pull(act) => {
                    if model.act(act) {
                        strings.pull(act);
                    }
                }
            }
            model.go_on();
            // Its thread begins and ends what the model has begun and ended already.
            until(&model.seen(), || seen(&queue.list()));
            prop_assert!(model.held() <= MOST_PICTURES + 1);
        }
        prop_assert!(queue.close().is_some());
        prop_assert_eq!(strings.begun(), model.begun, "each was begun once, in its order");
    }
}

/// Entries of a queue with a listener, told to a channel.
fn told() -> (impl QueueListener, Receiver<QueueList>) {
    let (sender, lists) = mpsc::channel();
    (move |list: &QueueList| drop(sender.send(list.clone())), lists)
}

#[test]
fn a_listener_is_told_of_everything_and_last_of_the_end() {
    let (artist, strings) = puppet();
    let (listener, lists) = told();
    let queue = Queue::watched(artist, QueueOptions::default().with_preview_every(1), listener).expect("a queue");
    let first = lists.recv_timeout(SOON).expect("the empty list");
    assert!(first.entries.is_empty());
    let id = queue.add(1).expect("room");
    queue.add(2).expect("room");
    strings.pull(Act::Step);
    let preview = loop {
        let list = lists.recv_timeout(SOON).expect("a change");
        let entry = list.entries[0].clone();
        if entry.progress.is_some() {
            break entry;
        }
    };
    assert_eq!((name(&preview.state), &*preview.prompt, preview.pictures), ("drawing", "number 1", 3));
    assert_eq!(preview.preview.map(|preview| preview.rgb.clone()), Some(vec![7; 3]));
    assert!(preview.progress.is_some_and(|progress| progress.preview.is_none() && progress.steps == 4));
    strings.pull(Act::Picture);
    strings.pull(Act::Finish);
    let done = queue.wait(id).expect("it is there");
    assert_eq!((name(&done.state), done.drawn, done.ready), ("done", 1, 1));
    assert!(done.progress.is_none() && done.preview.is_none() && done.timings.is_some());
    assert_eq!(*done.warnings, ["a warning".to_owned()]);
    drop(queue);
    let mut all: Vec<_> = lists.iter().collect();
    assert!(all.is_sorted_by(|one, other| one.revision < other.revision), "each once, in order");
    let last = all.pop().expect("the end");
    assert_eq!(last.entries.iter().map(|entry| name(&entry.state)).collect::<Vec<_>>(), ["done", "cancelled"]);
}

#[test]
fn a_slow_listener_delays_nothing_and_is_told_the_last() {
    let (artist, strings) = puppet();
    let (release, wait) = mpsc::channel::<()>();
    let (sender, lists) = mpsc::channel();
    let listener = move |list: &QueueList| {
        let _ = wait.recv();
        let _ = sender.send(list.revision);
    };
    let queue = Queue::watched(artist, QueueOptions::default(), listener).expect("a queue");
    let ids = queue.add_all((0..200).collect()).expect("room");
    for _ in 0..200 {
        strings.pull(Act::Finish);
    }
    let last = queue.wait(ids[199]).expect("it is there");
    assert_eq!(name(&last.state), "done");
    let revision = queue.list().revision;
    drop(release);
    drop(queue);
    let told: Vec<_> = lists.iter().collect();
    assert!(told.len() <= 3, "what came in between was told at once: {told:?}");
    assert_eq!(told.last(), Some(&revision), "the end of a queue in which nothing is left changes nothing");
}

#[test]
fn panics_of_a_listener_and_of_an_artist_end_nothing() {
    let (artist, strings) = puppet();
    let (sender, calls) = mpsc::channel();
    let listener = move |_: &QueueList| {
        let _ = sender.send(());
        panic!("on purpose");
    };
    let queue = Queue::watched(artist, QueueOptions::default(), listener).expect("a queue");
    let ids = queue.add_all(vec![1, 2]).expect("room");
    // A slow machine could tell it of everything at once.
    calls.recv().expect("it was called");
    strings.pull(Act::Panic);
    let entry = queue.wait(ids[0]).expect("it is there");
    assert!(matches!(&entry.state, QueueState::Failed(error) if error.to_string().contains("on purpose")), "{entry:?}");
    strings.pull(Act::Finish);
    assert_eq!(name(&queue.wait(ids[1]).expect("it is there").state), "done");
    assert!(queue.close().is_some());
    assert!(calls.iter().count() > 0, "it was called again");
}

#[test]
fn a_listener_may_use_the_queue_and_end_it() {
    let (artist, strings) = puppet();
    let own: Arc<Mutex<Option<Queue<Puppet>>>> = Arc::default();
    let (ended, end) = mpsc::channel();
    let listener = {
        let own = own.clone();
        move |list: &QueueList| {
            let over = list.entries.first().is_some_and(|entry| entry.state.is_over());
            let mut own = own.lock().expect("no panic");
            if over && let Some(queue) = own.take() {
                assert!(queue.add(2).is_ok());
                drop(queue);
                ended.send(()).expect("somebody waits");
            }
        }
    };
    let queue = Queue::watched(artist, QueueOptions::default(), listener).expect("a queue");
    queue.add(1).expect("room");
    *own.lock().expect("no panic") = Some(queue);
    strings.pull(Act::Finish);
    end.recv_timeout(SOON).expect("it did not wait for itself");
    assert_eq!(strings.begun().first(), Some(&1));
}

#[test]
fn who_waits_is_woken_by_the_end_and_by_a_removal() {
    let (artist, _strings) = puppet();
    let queue = Queue::new(artist, QueueOptions::default().with_paused(true)).expect("a queue");
    let ids = queue.add_all(vec![1, 2]).expect("room");
    std::thread::scope(|scope| {
        let removed = scope.spawn(|| queue.wait(ids[0]));
        let stopped = scope.spawn(|| queue.wait(ids[1]));
        queue.remove(ids[0]).expect("it waits");
        assert!(matches!(removed.join().expect("no panic"), Err(Error::NotFound { .. })));
        queue.stop();
        assert_eq!(name(&stopped.join().expect("no panic").expect("it is there").state), "cancelled");
    });
    assert!(matches!(queue.add(3), Err(Error::BadRequest { .. })));
    for refused in [small().with_most_entries(0), small().with_most_bytes(0)] {
        assert!(matches!(Queue::new(puppet().0, refused), Err(Error::BadRequest { .. })));
    }
}
