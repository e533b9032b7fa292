//! Whole runs, on a clock that jumps.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use cones_fleet::manifest::Manifest;
use cones_fleet::outcome::State;
use cones_fleet::{Ended, Place, Places, Report, Stop, Worker, WorkerOptions};
use tokio::time::{sleep, timeout};

use crate::rehearsal::{Rehearsed, RehearsedWork, manifest, run};

const LEASE: Duration = Duration::from_secs(60);
const TICK: Duration = Duration::from_secs(5);

/// Where workers meet.
struct Hall {
    place: Place,
    places: Arc<Places>,
    work: RehearsedWork,
    scratch: tempfile::TempDir,
    store: Rehearsed,
}

impl Hall {
    async fn new() -> Self {
        let store = Rehearsed::new(Duration::from_millis(20));
        let (place, places) = store.places().await;
        let work = RehearsedWork::new(Duration::from_secs(300), TICK);
        Self { place, places, work, scratch: tempfile::tempdir().expect("a folder"), store }
    }

    fn folder(&self, name: &str) -> std::path::PathBuf {
        self.scratch.path().join(name)
    }

    async fn worker(&self, name: &str, lines: &str, change: impl FnOnce(&mut WorkerOptions)) -> Worker<RehearsedWork> {
        let run = run(LEASE, 3).join(&self.place).await.expect("a run");
        let manifest = Arc::new(Manifest::parse("m", lines.as_bytes()).expect("a manifest"));
        let mut options = WorkerOptions::new(name, self.folder(name));
        change(&mut options);
        Worker::new(self.place.clone(), Arc::clone(&self.places), run, manifest, self.work.clone(), options)
    }

    async fn report(&self, name: &str, lines: &str) -> Report {
        all(self.worker(name, lines, |_| {}).await.run().await.expect("it ends"))
    }

    async fn packs(&self) -> Vec<String> {
        let listed = self.place.list("packs").await.expect("a listing").into_iter();
        listed.map(|listed| listed.name).filter(|name| name.ends_with(".cones")).collect()
    }

    fn needed(&self, count: usize) -> u64 {
        (0..count).map(|i| self.work.ticks_of(&format!("s{i:05}"))).sum()
    }

    fn ticks(&self) -> u64 {
        *self.work.ticks.lock().expect("no test failed with it")
    }
}

fn all(ended: Ended) -> Report {
    match ended {
        Ended::All(report) => report,
        Ended::Stopped => panic!("it was not asked to stop"),
    }
}

#[tokio::test(start_paused = true)]
async fn several_workers_make_each_pack_once_and_tidy_up() {
    let hall = Hall::new().await;
    let lines = manifest(12);
    let workers: Vec<_> = ["a", "b", "c"].map(|name| hall.worker(name, &lines, |_| {})).into();
    let mut running = Vec::new();
    for worker in workers {
        running.push(tokio::spawn(worker.await.run()));
    }
    for one in running {
        let report = all(one.await.expect("it ends").expect("no fault"));
        assert_eq!((report.lines, report.done, report.failed, report.taken_over), (12, 12, 0, 0));
        let names: Vec<_> = report.results.iter().filter_map(|outcome| outcome.name.clone()).collect();
        assert_eq!(names, (0..12).map(|i| format!("s{i:05}")).collect::<Vec<_>>());
    }
    assert_eq!(hall.ticks(), hall.needed(12), "nothing was worked on twice");
    assert_eq!(hall.packs().await.len(), 12);
    for folder in ["leases", "checkpoints"] {
        assert_eq!(hall.place.list(folder).await.expect("a listing"), [], "{folder}");
    }
    assert_eq!(hall.place.list("shared").await.expect("a listing").len(), 1);
    // Again, nothing is left to do, and nothing is claimed.
    let creates = hall.store.counts().creates;
    assert_eq!(hall.report("d", &lines).await.done, 12);
    assert_eq!(hall.store.counts().creates, creates);
}

#[tokio::test(start_paused = true)]
async fn a_dead_workers_subject_is_gone_on_with_from_its_checkpoint() {
    let hall = Hall::new().await;
    let lines = manifest(1);
    let first = hall.worker("a", &lines, |options| options.checkpoint_every = Duration::from_secs(30)).await;
    // It dies without a word.
    let dead = timeout(Duration::from_secs(200), first.run()).await;
    assert!(dead.is_err());
    let before = hall.ticks();
    let report = hall.report("b", &lines).await;
    assert_eq!((report.done, report.taken_over, report.results[0].attempt), (1, 1, 2));
    assert_eq!(report.results[0].worker, "b");
    let twice = hall.ticks() - hall.needed(1);
    assert!(before > 30 && twice <= 7, "{twice} ticks of {before} were lost");
}

#[tokio::test(start_paused = true)]
async fn one_who_was_taken_for_dead_gives_up_and_changes_nothing() {
    let hall = Hall::new().await;
    let lines = manifest(1);
    let zombie = hall.worker("a", &lines, |_| {}).await.run();
    let mut zombie = std::pin::pin!(zombie);
    assert!(timeout(Duration::from_secs(100), &mut zombie).await.is_err());
    // It is not polled: as a computer that sleeps.
    let report = hall.report("b", &lines).await;
    assert_eq!((report.results[0].worker.as_str(), report.results[0].attempt), ("b", 2));
    let before = hall.packs().await;
    let late = all(zombie.await.expect("it ends"));
    assert_eq!(late, report);
    assert_eq!(hall.packs().await, before);
}

#[tokio::test(start_paused = true)]
async fn one_who_is_asked_to_stop_gives_back_what_it_has_at_once() {
    let hall = Hall::new().await;
    let lines = manifest(2);
    let stop = Stop::default();
    let worker = hall.worker("a", &lines, |options| options.checkpoint_every = Duration::from_secs(3600)).await;
    let running = tokio::spawn(worker.stopped_by(stop.clone()).run());
    sleep(Duration::from_secs(150)).await;
    stop.ask();
    let ended = timeout(2 * TICK, running).await.expect("soon").expect("it ends").expect("no fault");
    assert!(matches!(ended, Ended::Stopped));
    assert_eq!(hall.place.list("leases").await.expect("a listing"), []);
    assert_eq!(hall.place.list("checkpoints").await.expect("a listing").len(), 1);
    let report = hall.report("b", &lines).await;
    assert_eq!((report.done, report.taken_over), (2, 0));
    assert_eq!(hall.ticks(), hall.needed(2), "not a tick was lost");
}

#[tokio::test(start_paused = true)]
async fn bad_lines_have_results_and_stop_nothing_and_can_be_tried_again() {
    let hall = Hall::new().await;
    let lines = "name,class,pictures\n\
                 good,dog,s3://rehearsal/pictures\n\
                 Bad,dog,s3://rehearsal/pictures\n\
                 good,cat,s3://rehearsal/pictures\n\
                 empty,dog,s3://rehearsal/nothing\n\
                 strange,nothing,s3://rehearsal/pictures\n";
    let report = hall.report("a", lines).await;
    let reasons: Vec<_> = report.results.iter().map(|outcome| outcome.reason.as_deref().unwrap_or("done")).collect();
    assert_eq!((report.done, report.failed), (1, 4), "{reasons:?}");
    for (line, part) in [(0, "done"), (1, "`Bad`"), (2, "line 2 already"), (3, "no PNG"), (4, "no such class")] {
        assert!(reasons[line].contains(part), "{part}: {reasons:?}");
        assert_eq!(report.results[line].line, line as u64 + 2);
    }
    assert!(report.text().contains("1 of 5 done, 4 failed"), "{}", report.text());
    // Tried again, with pictures where there were none.
    hall.places.open("s3://rehearsal/nothing").expect("a place").write("1.png", vec![1]).await.expect("written");
    sleep(Duration::from_secs(5)).await;
    let again = hall.worker("b", lines, |options| options.retry_failed = true).await.run().await;
    let again = all(again.expect("it ends"));
    assert_eq!((again.done, again.failed), (2, 3));
    assert_eq!(again.results[3].state, State::Done);
    assert_eq!(again.results[0], report.results[0]);
    // A changed line is another one.
    let changed = lines.replace("strange,nothing", "strange,dog");
    assert_eq!(hall.report("c", &changed).await.failed, 2);
}

#[tokio::test(start_paused = true)]
async fn a_store_of_another_model_is_refused() {
    let hall = Hall::new().await;
    let first = run(LEASE, 3).join(&hall.place).await.expect("a run");
    let mut other = run(LEASE, 5);
    assert_eq!(
        other.clone().join(&hall.place).await.expect("the same run"),
        first,
        "the first one's lease and attempts hold"
    );
    other.bundle = cones_core::Sha256::digest("other");
    let error = other.join(&hall.place).await.expect_err("another model");
    assert!(error.to_string().contains("another base model") && error.hint().is_some(), "{error}");
    assert!(!Path::new("run.json").exists());
}
