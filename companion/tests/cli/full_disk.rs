//! A disk that is full, and one that nobody may write to, at each write of each command: it says so, ends with 1, and leaves nothing
//! that is half of a file. Where nothing can be mounted, nothing is tried.

use std::collections::BTreeSet;

use cones_tests::{fixtures, mounted};

use crate::tool::{Desk, bundle, golden, models, stderr, text};

/// How a command ended, and what it left: names and sizes of files.
struct End {
    status: Option<i32>,
    words: String,
    left: BTreeSet<String>,
}

/// Runs a command with a file system mounted on `disk`, after `before`.
fn run(desk: &Desk, words: &[&str], options: &str, before: &str) -> Option<End> {
    let mut command = desk.cones(words);
    command.env("SOURCE_DATE_EPOCH", "1700000000");
    let script =
        format!("{before}\n\"$@\" > /dev/null && s=0 || s=$?\nfind \"$0\" -type f -printf '%P %s\\n'\nexit $s");
    let output = mounted::run(desk.path("disk").as_ref(), options, &script, &command)?;
    let words = stderr(&output);
    let left = String::from_utf8_lossy(&output.stdout).lines().map(str::to_owned).collect();
    Some(End { status: output.status.code(), words, left })
}

/// What a command leaves on purpose when it fails: locks, and what it goes on from.
fn is_meant(file: &str, meant: &[&str]) -> bool {
    file.ends_with(" 0") || meant.iter().any(|name| file.starts_with(name))
}

/// Lets a command write to a disk that is read-only, then to ever larger ones from some kilobytes on, then to ones with ever more room
/// for files, until each time it has what it needs; by larger steps where `step` is. How often it failed.
fn fill(desk: &Desk, words: &[&str], (kilobytes, step): (u64, usize), meant: &[&str]) -> usize {
    const LARGE: &str = "size=256m";
    let Some(whole) = run(desk, words, LARGE, "") else { return usize::MAX };
    assert_eq!(whole.status, Some(0), "{words:?}: {}", whole.words);
    let refused = |options: &str, before: &str, reason: &str| {
        let end = run(desk, words, options, before).expect("can be mounted");
        if end.status == Some(0) {
            return false;
        }
        assert_eq!(end.status, Some(1), "{words:?} at {options}: {}", end.words);
        assert!(!end.words.contains("panicked") && end.words.contains(reason), "{words:?} at {options}: {}", end.words);
        let half: Vec<_> = end.left.difference(&whole.left).filter(|file| !is_meant(file, meant)).collect();
        assert!(half.is_empty(), "{words:?} at {options} left {half:?}, of {:?}", whole.left);
        true
    };
    assert!(refused(LARGE, "mount -o remount,ro \"$0\"", "ead-only"), "{words:?} wrote to a read-only disk");
    let sizes = (0..20).step_by(step).map(|n| format!("size={}k", kilobytes << n));
    // The first is the folder itself.
    let files = (1..60).step_by(step).map(|n| format!("{LARGE},nr_inodes={n}"));
    let failures =
        |disks: &mut dyn Iterator<Item = String>| disks.take_while(|disk| refused(disk, "", "space")).count();
    1 + failures(&mut sizes.into_iter()) + failures(&mut files.into_iter())
}

/// Of packs that can be united.
const WHOLE: [&str; 2] = ["--scope", "prompt"];
/// As quick as it gets.
const QUICK: [&str; 4] = ["--steps", "1", "--threads", "1"];

#[test]
fn packs_and_keys_are_whole_or_absent() {
    let desk = Desk::new();
    let disk = |name: &str| format!("{}/{name}", desk.path("disk"));
    let (mask, key) = (golden("binary.safetensors"), desk.key("a.key"));
    let (rex, tin) = (desk.pack("rex", "1", &WHOLE), desk.pack("tin", "1", &WHOLE));
    let (pack, both, public, secret) = (disk("rex.cones"), disk("both.cones"), disk("public"), disk("b.key"));
    let made = ["import-mask", text(&mask), "--name", "rex", "--out", &pack];
    assert!(fill(&desk, &made, (4, 1), &[]) >= 3);
    assert!(fill(&desk, &["keygen", "--out", &secret], (4, 1), &[]) >= 2);
    assert!(fill(&desk, &["unite", &rex, &tin, "--out", &both], (4, 1), &[]) >= 3);
    let published = ["publish", "--out", &public, "--key", &key, &rex, &tin];
    assert!(fill(&desk, &published, (4, 1), &[]) >= 6);
}

#[test]
fn pictures_are_whole_or_absent() {
    let desk = Desk::new();
    let disk = |name: &str| format!("{}/{name}", desk.path("disk"));
    let (one, many, sheet, preview) = (disk("dog.png"), disk("many"), disk("all.png"), disk("now.png"));
    let draw = [&["generate", "-p", "a dog"], &QUICK[..]].concat();
    assert!(fill(&desk, &[&draw[..], &["-o", &one]].concat(), (4, 1), &[]) >= 3);
    let more = ["-n", "2", "-o", &many, "--sheet", &sheet, "--preview", &preview];
    assert!(fill(&desk, &[&draw[..], &more].concat(), (8, 1), &["now.png "]) >= 4);
}

#[test]
fn what_is_found_is_whole_or_absent() {
    let desk = Desk::new();
    let (out, images) = (format!("{}/dog.cones", desk.path("disk")), models("subjects/fluent-dog"));
    let few = ["--batch", "4", "--held-out", "4", "--drawn", "1", "--show", "0"];
    let find = [&["find", "--images", text(&images), "--class", "dog", "--out", &out], &few[..], &QUICK].concat();
    // What it goes on from the next time.
    assert!(fill(&desk, &find, (8, 3), &[".dog.cones.examples", ".dog.cones.finding"]) >= 3);
}

#[test]
fn bundles_and_stores_are_whole_or_absent() {
    let desk = Desk::new();
    let (small, toybox) = (format!("{}/small", desk.path("disk")), bundle());
    let quantise = ["quantise", text(&toybox), "--out", &small, "--weights", "int8", "--threads", "1"];
    assert!(fill(&desk, &quantise, (512, 12), &[]) >= 3);
    // How a store of bundles fares is tried where they are installed: `core/tests/bundle_store/mounts.rs`.
    let store = format!("{}/store", desk.path("disk"));
    let pack = desk.pack("rex", "1", &[]);
    assert!(fill(&desk, &["packs", "install", &pack, "--store", &store], (512, 2), &["store/packs/store.json "]) >= 3);
}

#[test]
fn imported_models_and_reports_are_whole_or_absent() {
    let desk = Desk::new();
    let (model, page) = (format!("{}/sana", desk.path("disk")), format!("{}/page", desk.path("disk")));
    let export = |part: &str| text(&fixtures::flow().join("sana").join(part)).to_owned();
    let (onnx, weights) = (export("onnx"), export("diffusers"));
    let import = ["import", "--onnx", &onnx, "--weights", &weights, "--dtype", "float32", "--out", &model];
    assert!(fill(&desk, &import, (16, 3), &[]) >= 4);
    let pack = models("packs/fluent-dog.cones");
    let report = [&["report", text(&pack), "--out", &page, "--prompt", "a {}", "--seeds", "1"], &QUICK[..]].concat();
    assert!(fill(&desk, &report, (4, 3), &[]) >= 3);
}
