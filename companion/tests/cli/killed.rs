//! SIGKILL in the middle of `publish` and `find`: what is published stays whole, and what was learned is gone on from. A few
//! kills here, hundreds by `cargo xtask endure kills`.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use cones_core::library::catalog::Catalog;
use cones_core::{PublicKey, Sha256};
use cones_tests::endure;

use crate::tool::{Desk, models, succeed, text};

/// Starts a command and kills it after a while. Whether it was still running then.
fn kill(mut command: Command, life: Duration) -> bool {
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("cones runs");
    std::thread::sleep(life);
    let running = child.try_wait().expect("a child").is_none();
    // SIGKILL, on Unix.
    child.kill().expect("a kill");
    child.wait().expect("an end");
    running
}

/// The catalogue as a device takes it, with the names of its packs, each of which lies there whole.
fn published(folder: &Path, key: &PublicKey) -> (u64, BTreeSet<String>) {
    let read = |name: &str| std::fs::read(folder.join(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
    let json = read("catalog.json");
    let signature = String::from_utf8(read("catalog.json.minisig")).expect("text");
    let catalog = Catalog::verify("catalog.json", &json, &signature, key).expect("signed");
    for pack in &catalog.packs {
        assert_eq!(Sha256::digest(read(&pack.url)), pack.sha256, "{}", pack.url);
    }
    (catalog.serial, catalog.packs.into_iter().map(|pack| pack.name).collect())
}

#[test]
fn what_is_published_is_whole_after_each_kill() {
    let desk = Desk::new();
    let (key, out) = (desk.key("a.key"), desk.path("public"));
    let public = PublicKey::parse(&String::from_utf8(desk.read("a.key.pub")).expect("text")).expect("a key");
    let (rex, tin) = (desk.pack("rex", "1", &[]), desk.pack("tin", "1", &[]));
    let publish = |pack: &str| ["publish", "--out", &out, "--key", &key, pack].map(str::to_owned);
    let run = |words: &[String]| desk.done(&words.iter().map(String::as_str).collect::<Vec<_>>());
    run(&publish(&rex));
    let start = Instant::now();
    run(&publish(&rex));
    let whole = start.elapsed().as_micros() as u64;
    let (mut before, _) = published(out.as_ref(), &public);
    let (times, mut hit, mut done) = (endure::times(12), 0, 0);
    for round in 0..times {
        let words = publish(if round % 2 == 0 { &tin } else { &rex });
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        hit += u64::from(kill(desk.cones(&words), Duration::from_micros(endure::scattered(round, whole))));
        // The publisher goes on, and that mends what a kill between two renames leaves.
        run(&publish(&rex));
        let (serial, names) = published(out.as_ref(), &public);
        assert!(serial == before + 1 || serial == before + 2, "round {round}: {before}, then {serial}");
        done += u64::from(serial == before + 2);
        assert!(names.contains("rex"), "round {round}: {names:?}");
        let hidden: Vec<_> = std::fs::read_dir(&out)
            .expect("the folder")
            .flatten()
            .map(|entry| entry.file_name())
            .filter(|name| name.to_string_lossy().starts_with('.') && name != ".publishing")
            .collect();
        assert!(hidden.is_empty(), "round {round}: {hidden:?}");
        before = serial;
    }
    assert!(hit > 0, "no kill hit anything");
    endure::say(
        "publishing",
        format_args!("{times} kills, {hit} of them before its end, {done} after the new catalogue was whole; 0 broken"),
    );
}

/// Longer than loading takes and a few steps.
const SHORT_MICROS: u64 = 4_000_000;
/// Long enough to be killed after a checkpoint, which is written every 20 seconds of steps.
const LONG_MICROS: u64 = 45_000_000;
/// One in so many lives may be long.
const LONG: u64 = 10;

/// Slow: each kill waits for graphs to be loaded.
#[test]
#[ignore = "minutes; `cargo xtask endure kills` runs it"]
fn what_was_learned_is_gone_on_from_after_each_kill() {
    let desk = Desk::new();
    let images = models("subjects/fluent-dog");
    let find = |out: &str| {
        let words =
            ["find", "--images", text(&images), "--class", "dog", "--out", out, "--steps", "300", "--batch", "2"];
        let quick = ["--held-out", "4", "--drawn", "1", "--threads", "1", "--json", "--show", "0"];
        let mut command = desk.cones(&[&words[..], &quick].concat());
        // The pack says when it was made.
        command.env("SOURCE_DATE_EPOCH", "1700000000");
        command
    };
    let (quiet, disturbed) = (desk.path("quiet/dog.cones"), desk.path("disturbed/dog.cones"));
    for folder in ["quiet", "disturbed"] {
        std::fs::create_dir(desk.path(folder)).expect("a folder");
    }
    succeed(find(&quiet));
    let whole = std::fs::read(&quiet).expect("a pack");
    let same = |when: &str| {
        assert!(std::fs::read(&disturbed).expect("a pack") == whole, "{when}: another pack than undisturbed");
    };
    let (times, mut hit, mut finished, mut went_on) = (endure::times(10), 0, 0, 0);
    for round in 0..times {
        let longest = if round % LONG == LONG - 1 { LONG_MICROS } else { SHORT_MICROS };
        let life = Duration::from_micros(endure::scattered(round, longest));
        went_on += u64::from(Path::new(&desk.path("disturbed/.dog.cones.finding")).exists());
        hit += u64::from(kill(find(&disturbed), life));
        if Path::new(&disturbed).exists() {
            same(&format!("round {round}"));
            std::fs::remove_file(&disturbed).expect("removed");
            finished += 1;
        }
    }
    succeed(find(&disturbed));
    same("at the end");
    let left: Vec<_> = std::fs::read_dir(desk.path("disturbed"))
        .expect("the folder")
        .flatten()
        .map(|entry| entry.file_name())
        .filter(|name| name.to_string_lossy().starts_with('.'))
        .collect();
    assert!(left.is_empty(), "{left:?}");
    assert!(hit > 0, "no kill hit anything");
    endure::say(
        "finding",
        format_args!(
            "{times} kills, {hit} of them before its end; {went_on} runs found a checkpoint of one before; {} packs came of \
             it, each to the byte that of an undisturbed run",
            finished + 1
        ),
    );
}
