//! Ctrl-C in the middle of `find`, `find-many`, `tune` and `report`: whatever they are at, they end with 130 and say `stopped`.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::tool::{Desk, models, stderr, text};

/// Longest wait for a command to get to work, and for its end after Ctrl-C.
const PATIENCE: Duration = Duration::from_secs(120);

/// Runs a command until the file `sign` is there and for a while more, interrupts it, and returns what it wrote on standard
/// error.
fn interrupt(desk: &Desk, arguments: &[&str], sign: &str, more: Duration) -> String {
    interrupt_when(desk, arguments, || Path::new(sign).exists(), more)
}

/// As [`interrupt`], with any sign.
fn interrupt_when(desk: &Desk, arguments: &[&str], sign: impl Fn() -> bool, more: Duration) -> String {
    let mut child = desk.cones(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("cones runs");
    let start = Instant::now();
    while !sign() {
        let ended = child.try_wait().expect("a child");
        assert!(ended.is_none() && start.elapsed() < PATIENCE, "the sign never came; the command ended: {ended:?}");
        std::thread::sleep(Duration::from_millis(10));
    }
    std::thread::sleep(more);
    assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().expect("kill runs").success());
    let output = child.wait_with_output().expect("it ends");
    assert_eq!(output.status.code(), Some(130), "{}", stderr(&output));
    let words = stderr(&output);
    assert_eq!(words.lines().filter(|line| line.starts_with("stopped")).count(), 1, "{words}");
    words
}

#[test]
fn finding_is_stopped_and_what_was_learned_is_kept() {
    let desk = Desk::new();
    let (out, images) = (desk.path("dog.cones"), models("subjects/fluent-dog"));
    let find = |steps: &'static str| {
        let quick = ["--batch", "4", "--held-out", "4", "--drawn", "1", "--threads", "1", "--json", "--show", "0"];
        let find = ["find", "--images", text(&images), "--class", "dog", "--out", &out, "--steps", steps];
        [&find[..], &quick].concat().into_iter().map(str::to_owned).collect::<Vec<_>>()
    };
    let (examples, learned) = (desk.path(".dog.cones.examples"), desk.path(".dog.cones.finding"));
    let endless = find("1000000");
    let endless: Vec<&str> = endless.iter().map(String::as_str).collect();
    // While pictures are drawn, or what steps need is loaded: nothing was learned, and nothing is left that is in the way.
    interrupt(&desk, &endless, &examples, Duration::ZERO);
    assert!(!Path::new(&out).exists());
    // The first step is made.
    interrupt(&desk, &endless, &learned, Duration::from_secs(1));
    assert!(!Path::new(&out).exists());
    assert!(Path::new(&learned).exists(), "what was learned is kept");
    let end = find("2");
    desk.done(&end.iter().map(String::as_str).collect::<Vec<_>>());
    assert!(Path::new(&out).exists() && !Path::new(&examples).exists() && !Path::new(&learned).exists());
}

/// Names of the files below a folder, at any depth.
fn files(folder: &str) -> Vec<String> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    let (folders, files): (Vec<_>, Vec<_>) = entries.partition(|path| path.is_dir());
    let nested = folders.iter().flat_map(|folder| self::files(text(folder)));
    nested.chain(files.iter().map(|path| text(path).to_owned())).collect()
}

#[test]
fn a_fleet_puts_away_what_it_was_at_and_gives_it_back() {
    let desk = Desk::new();
    let (manifest, images) = (desk.path("subjects.csv"), models("subjects/fluent-dog"));
    let lines = ["rex", "mia"].map(|name| format!("{name},dog,{},1000000,2,1,1,0\n", text(&images))).concat();
    let columns = "name,class,pictures,steps,batch,held_out,drawn,factor_steps\n";
    std::fs::write(&manifest, format!("{columns}{lines}")).expect("a manifest");
    for workers in ["1", "2"] {
        let (out, scratch) = (desk.path(&format!("packs-{workers}")), desk.path(&format!("scratch-{workers}")));
        let find_many =
            ["find-many", &manifest, "--out", &out, "--scratch", &scratch, "--workers", workers, "--threads", "1"];
        // A worker has made its first step, or has what another learned; other workers are wherever they are.
        let learned = || files(&scratch).iter().any(|file| file.ends_with("/checkpoint"));
        let words = interrupt_when(&desk, &find_many, learned, Duration::from_secs(1));
        assert!(words.contains(": started"), "{words}");
        assert!(files(&format!("{out}/leases")).is_empty(), "nothing stays claimed: {words}");
        assert!(!files(&format!("{out}/checkpoints")).is_empty(), "what was learned is in the store: {words}");
        assert!(files(&format!("{out}/packs")).is_empty() && files(&format!("{out}/results")).is_empty(), "{words}");
        assert!(files(&scratch).is_empty(), "the folder to work in is left as it was: {words}");
        // Nobody has to wait for a lease to run out, and the time that was cut short does not count as a worker's death.
        let words = interrupt_when(&desk, &find_many, learned, Duration::from_secs(1));
        assert!(words.contains(": started") && !words.contains("taken over"), "{words}");
    }
}

#[test]
fn tuning_is_stopped() {
    let desk = Desk::new();
    let out = desk.path("tuned");
    let [dog, robot] = ["fluent-dog", "fluent-robot"];
    let packs = [dog, robot].map(|name| text(&models(&format!("packs/{name}.cones"))).to_owned());
    let images = [dog, robot].map(|name| text(&models(&format!("subjects/{name}"))).to_owned());
    let tune = ["tune", "--packs", &packs[0], &packs[1], "--images", &images[0], &images[1], "--out", &out];
    let quick = ["--steps", "1000000", "--batch", "4", "--held-out", "4", "--drawn", "1", "--threads", "1", "--json"];
    interrupt(&desk, &[&tune[..], &quick].concat(), &out, Duration::from_secs(3));
}

#[test]
fn a_report_is_stopped() {
    let desk = Desk::new();
    let (out, pack) = (desk.path("page"), models("packs/fluent-dog.cones"));
    let report = ["report", text(&pack), "--out", &out, "--seeds", "16", "--steps", "50", "--threads", "1", "--quiet"];
    interrupt(&desk, &report, &out, Duration::from_secs(1));
    assert!(!Path::new(&out).join("index.html").exists());
}
