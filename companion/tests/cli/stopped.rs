//! Ctrl-C in the middle of `find`, `tune` and `report`: whatever they are at, they end with 130 and say `stopped`.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::tool::{Desk, models, stderr, text};

/// Longest wait for a command to get to work, and for its end after Ctrl-C.
const PATIENCE: Duration = Duration::from_secs(120);

/// Runs a command until `sign` is there and for a while more, interrupts it, and returns what it wrote on standard error.
fn interrupt(desk: &Desk, arguments: &[&str], sign: &str, more: Duration) -> String {
    let mut child = desk.cones(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("cones runs");
    let start = Instant::now();
    while !Path::new(sign).exists() {
        let ended = child.try_wait().expect("a child");
        assert!(ended.is_none() && start.elapsed() < PATIENCE, "{sign} never came; the command ended: {ended:?}");
        std::thread::sleep(Duration::from_millis(10));
    }
    std::thread::sleep(more);
    assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().expect("kill runs").success());
    let output = child.wait_with_output().expect("it ends");
    assert_eq!(output.status.code(), Some(130), "{}", stderr(&output));
    let words = stderr(&output);
    assert!(words.starts_with("stopped"), "{words}");
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
    // The examples are there: steps are made, or what they need is loaded.
    let sign = desk.path(".dog.cones.examples");
    let endless = find("1000000");
    let endless: Vec<&str> = endless.iter().map(String::as_str).collect();
    interrupt(&desk, &endless, &sign, Duration::from_secs(3));
    assert!(!Path::new(&out).exists());
    assert!(Path::new(&desk.path(".dog.cones.finding")).exists(), "what was learned is kept");
    let end = find("2");
    desk.done(&end.iter().map(String::as_str).collect::<Vec<_>>());
    assert!(Path::new(&out).exists() && !Path::new(&sign).exists());
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
