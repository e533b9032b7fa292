//! What drawing takes of memory, measured on this process: it must be alone, so this file has one test.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "tests say what they measure and skip")]
#![cfg(target_os = "linux")]

use cones_core::memory::LoadForm;
use cones_core::{CancelToken, Engine, MemoryMode, Request, WordBox};
use cones_tests::base;

/// A line of this process's status, in bytes.
fn status(field: &str) -> u64 {
    let text = std::fs::read_to_string("/proc/self/status").expect("a status");
    let line = text.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':')).expect("the field");
    line.split_whitespace().next().and_then(|number| number.parse::<u64>().ok()).expect("a number") * 1024
}

/// This process while drawing at its highest, and afterwards, in bytes beside what it held `before` anything was loaded.
fn grown(before: u64, engine: &mut Engine, request: &Request) -> (u64, u64) {
    std::fs::write("/proc/self/clear_refs", "5").expect("the highest mark begins anew");
    engine.generate(request, &mut (), &CancelToken::new()).expect("a picture");
    (status("VmHWM").saturating_sub(before), status("VmRSS").saturating_sub(before))
}

fn request(side: u32) -> Request {
    let mut request = Request::new("a dog on grass");
    (request.width, request.height, request.steps) = (Some(side), Some(side), Some(1));
    request
}

fn engine(memory: MemoryMode) -> Engine {
    Engine::new(base::bundle(), base::options().with_memory(memory)).expect("an engine")
}

#[test]
fn a_plan_tells_what_drawing_takes_and_all_of_it_goes_back() {
    let before = status("VmRSS");
    let mut faults = Vec::new();
    let mut rest = 0;
    for mode in [MemoryMode::Least, MemoryMode::Sequential, MemoryMode::Resident] {
        for (side, boxed) in [(64, false), (128, false), (256, false), (256, true)] {
            let mut engine = engine(mode);
            let mut request = request(side);
            request.boxes = Vec::from_iter(boxed.then(|| WordBox::new("dog", [0.0, 0.0, 0.5, 1.0])));
            let plan = engine.memory_plan(&request).expect("a plan");
            assert_eq!(plan.arrangement.form == LoadForm::Mapped, mode == MemoryMode::Least);
            let planned = plan.peak.expect("Toybox has a profile");
            let (peak, left) = grown(before, &mut engine, &request);
            let stages: Vec<String> =
                plan.stages.iter().map(|stage| format!("{} {:.1}", stage.graph, stage.peak as f64 / 1e6)).collect();
            println!(
                "{mode:?} {side}{}: planned {:.1} MB, took {:.1} MB, {:.1} MB stay, in all {:.1} of its own, {:.1} of files ({})",
                if boxed { " with a box" } else { "" },
                planned as f64 / 1e6,
                peak as f64 / 1e6,
                left as f64 / 1e6,
                status("RssAnon") as f64 / 1e6,
                status("RssFile") as f64 / 1e6,
                stages.join(", ")
            );
            // A tenth, or 10 MB where little is taken: the library's own pages come and go by as much.
            if (planned as f64 - peak as f64).abs() > (0.1 * peak as f64).max(10e6) {
                faults.push(format!("{mode:?} at {side} px: {planned} planned, {peak} taken"));
            }
            // What the first picture leaves is ONNX Runtime's library; from then on nothing is added.
            if mode != MemoryMode::Resident {
                rest = if rest == 0 { left } else { rest };
                if left > rest + (4 << 20) {
                    faults.push(format!("{mode:?} at {side} px: {left} stay, {rest} at first"));
                }
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}
