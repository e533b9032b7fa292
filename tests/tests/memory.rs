//! What drawing takes of memory, measured on this process: it must be alone, so this file has one test.

#![cfg(target_os = "linux")]

use cones_core::memory::LoadForm;
use cones_core::{CancelToken, Engine, EngineOptions, MemoryMode, Request};
use cones_tests::base;

/// A line of this process's status, in bytes.
fn status(field: &str) -> u64 {
    let text = std::fs::read_to_string("/proc/self/status").expect("a status");
    let line = text.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':')).expect("the field");
    line.split_whitespace().next().and_then(|number| number.parse::<u64>().ok()).expect("a number") * 1024
}

/// Bytes by which this process grew while drawing at its highest, and by which it is larger afterwards.
fn grown(engine: &mut Engine, request: &Request) -> (u64, u64) {
    std::fs::write("/proc/self/clear_refs", "5").expect("the highest mark begins anew");
    let before = status("VmRSS");
    engine.generate(request, &mut (), &CancelToken::new()).expect("a picture");
    (status("VmHWM").saturating_sub(before), status("VmRSS").saturating_sub(before))
}

fn request(side: u32) -> Request {
    let mut request = Request::new("a dog on grass");
    (request.width, request.height, request.steps) = (Some(side), Some(side), Some(1));
    request
}

#[test]
fn a_plan_tells_what_drawing_takes_and_all_of_it_goes_back() {
    let engine = |memory| Engine::new(base::bundle(), EngineOptions { memory, ..base::options() }).expect("an engine");
    // What is loaded once and stays, ONNX Runtime's library above all, is not what a picture takes.
    engine(MemoryMode::Least).generate(&request(64), &mut (), &CancelToken::new()).expect("a picture");
    let mut faults = Vec::new();
    for mode in [MemoryMode::Least, MemoryMode::Sequential, MemoryMode::Resident] {
        for side in [64, 128, 256] {
            let mut engine = engine(mode);
            let request = request(side);
            let plan = engine.memory_plan(&request).expect("a plan");
            assert_eq!(plan.arrangement.form == LoadForm::Mapped, mode == MemoryMode::Least);
            let expected = plan.peak.expect("Toybox has a profile");
            let (peak, left) = grown(&mut engine, &request);
            let (again, _) = grown(&mut engine, &request);
            println!(
                "{mode:?} {side}: planned {:.1} MB, took {:.1} MB ({:.1} again), {:.1} MB stay",
                expected as f64 / 1e6,
                peak as f64 / 1e6,
                again as f64 / 1e6,
                left as f64 / 1e6
            );
            for stage in &plan.stages {
                println!("    {} {:.1}", stage.graph, stage.peak as f64 / 1e6);
            }
            let error = (expected as f64 - peak as f64).abs();
            if error > (0.1 * peak as f64).max(12e6) {
                faults.push(format!("{mode:?} at {side} px: {expected} planned, {peak} taken"));
            }
            if mode != MemoryMode::Resident && left > 8_000_000 {
                faults.push(format!("{mode:?} at {side} px: {left} stay"));
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}
