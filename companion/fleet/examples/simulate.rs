//! How a fleet behaves, by simulation: the real claiming code on a store in memory and a clock that jumps.
//!
//! ```sh
//! cargo run --release -p cones-fleet --example simulate -- --subjects 10000 --workers 1,10,100 --minutes 10 --hours-to-death 24
//! ```
//!
//! Each worker dies by chance, on average after `--hours-to-death`, without a word, and is started again a minute later, as an
//! engine would. Money is S3 Standard's public price in us-east-1: $0.005 for 1,000 writes or listings, $0.0004 for 1,000
//! reads; removals are free.

#![allow(clippy::print_stdout, reason = "an example prints")]

#[path = "../tests/fleet/rehearsal.rs"]
mod rehearsal;

use std::sync::Arc;
use std::time::Duration;

use cones_fleet::manifest::Manifest;
use cones_fleet::{Ended, Worker, WorkerOptions};
use rehearsal::{Counts, Rehearsed, RehearsedWork, manifest, run};
use tokio::time::{Instant, sleep};

const LEASE: Duration = Duration::from_secs(60);
const LATENCY: Duration = Duration::from_millis(30);
/// Between two checkpoints on the worker's disk.
const TICK: Duration = Duration::from_secs(20);
const RESTART: Duration = Duration::from_secs(60);

struct Wanted {
    subjects: usize,
    workers: Vec<usize>,
    takes: Duration,
    life: Duration,
}

fn wanted() -> Wanted {
    let mut wanted = Wanted {
        subjects: 10_000,
        workers: vec![1, 10, 100],
        takes: Duration::from_secs(600),
        life: Duration::from_secs(24 * 3600),
    };
    let mut args = std::env::args().skip(1);
    while let (Some(name), Some(value)) = (args.next(), args.next()) {
        let number: f64 = value.parse().unwrap_or(1.0);
        match name.as_str() {
            "--subjects" => wanted.subjects = number as usize,
            "--workers" => wanted.workers = value.split(',').filter_map(|count| count.parse().ok()).collect(),
            "--minutes" => wanted.takes = Duration::from_secs_f64(60.0 * number),
            "--hours-to-death" => wanted.life = Duration::from_secs_f64(3600.0 * number),
            _ => println!("{name} is unknown"),
        }
    }
    wanted
}

/// Numbers by chance, the same in each simulation.
struct Dice(u64);

impl Dice {
    fn unit(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) >> 11) as f64 / (1u64 << 53) as f64
    }

    /// A time after which something happens that may happen at any moment.
    fn life(&mut self, mean: Duration) -> Duration {
        mean.mul_f64(-(1.0 - self.unit()).ln())
    }
}

struct Seen {
    took: Duration,
    counts: Counts,
    deaths: usize,
    failed: usize,
    taken_over: u32,
    ticks: u64,
}

async fn simulate(wanted: &Wanted, workers: usize) -> Seen {
    let store = Rehearsed::new(LATENCY);
    let (place, places) = store.places().await;
    let run = run(LEASE, 10).join(&place).await.expect("a run");
    let manifest = Arc::new(Manifest::parse("m", manifest(wanted.subjects).as_bytes()).expect("a manifest"));
    let work = RehearsedWork::new(wanted.takes, TICK);
    let scratch = tempfile::tempdir().expect("a folder");
    let started = Instant::now();
    let slots = (0..workers).map(|slot| {
        let (place, places, run, manifest) = (place.clone(), Arc::clone(&places), run.clone(), Arc::clone(&manifest));
        let (work, scratch, life) = (work.clone(), scratch.path().to_path_buf(), wanted.life);
        tokio::spawn(async move {
            let (mut dice, mut lives) = (Dice(slot as u64), 0);
            loop {
                let folder = scratch.join(format!("{slot}-{lives}"));
                let options = WorkerOptions::new(format!("worker-{slot}-{lives}"), &folder);
                let worker = Worker::new(
                    place.clone(),
                    Arc::clone(&places),
                    run.clone(),
                    Arc::clone(&manifest),
                    work.clone(),
                    options,
                );
                let ended = tokio::select! {
                    ended = worker.run() => Some(ended),
                    () = sleep(dice.life(life)) => None,
                };
                let _ = std::fs::remove_dir_all(&folder);
                match ended {
                    Some(Ok(Ended::All(report))) => return (lives, report),
                    Some(other) => panic!("{other:?}"),
                    None => lives += 1,
                }
                sleep(RESTART).await;
            }
        })
    });
    let (mut deaths, mut failed, mut taken_over) = (0, 0, 0);
    for slot in slots.collect::<Vec<_>>() {
        let (lives, report) = slot.await.expect("it ends");
        (deaths, failed, taken_over) = (deaths + lives, report.failed, report.taken_over);
    }
    let ticks = work.ticks.lock().map_or(0, |ticks| *ticks);
    Seen { took: started.elapsed(), counts: store.counts(), deaths, failed, taken_over, ticks }
}

fn main() {
    let wanted = wanted();
    println!(
        "| workers | deaths | hours | over the ideal | work done twice | failed | taken over | creates | writes | listings | reads | all per subject | of leases per s | dollars |"
    );
    println!("|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|");
    for workers in &wanted.workers {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
        let seen = runtime.expect("a runtime").block_on(simulate(&wanted, *workers));
        let work = RehearsedWork::new(wanted.takes, TICK);
        let needed: u64 = (0..wanted.subjects).map(|i| work.ticks_of(&format!("s{i:05}"))).sum();
        let ideal = TICK.as_secs_f64() * needed as f64 / *workers as f64;
        let (took, c) = (seen.took.as_secs_f64(), seen.counts);
        let (dear, cheap) = (c.creates + c.writes + c.pages, c.reads + c.heads);
        println!(
            "| {workers} | {} | {:.1} | {:.2} % | {:.2} % | {} | {} | {} | {} | {} | {} | {:.0} | {:.1} | {:.2} |",
            seen.deaths,
            took / 3600.0,
            100.0 * (took / ideal - 1.0),
            100.0 * (seen.ticks as f64 / needed as f64 - 1.0),
            seen.failed,
            seen.taken_over,
            c.creates,
            c.writes,
            c.pages,
            cheap,
            (dear + cheap) as f64 / wanted.subjects as f64,
            c.of_leases as f64 / took,
            dear as f64 * 0.005e-3 + cheap as f64 * 0.0004e-3,
        );
    }
}
