//! Flow matching against diffusers' schedulers on a fixed model function. Vectors: `tests/golden/make_flow.py`.

use cones_core::model::manifest::{BetaSchedule, DynamicShift, FlowMatching, NoiseSchedule, PredictionType};
use cones_core::sampling::scheduler::{self, Run, Scheduler};
use safetensors::SafeTensors;
use serde::Deserialize;
use sha2::{Digest, Sha256};

use super::schedulers::{KEPT, TOLERANCE, difference, floats, short, trajectory};

/// SHA-256 of the timesteps and kept values of all cases, as x86-64 computes them.
const BITS: &str = "06d27824c181abf1a3e91d65d667c0ce";

#[derive(Deserialize)]
struct Golden {
    cases: Vec<Case>,
}

#[derive(Debug, Deserialize)]
struct Case {
    kind: String,
    shift: Option<f64>,
    flow_shift: Option<f64>,
    base_shift: Option<f64>,
    max_shift: Option<f64>,
    base_image_seq_len: Option<u32>,
    max_image_seq_len: Option<u32>,
    image_seq_len: Option<u32>,
    mu: Option<f64>,
    steps: usize,
    strength: Option<f32>,
    visited: usize,
}

impl Case {
    fn flow(&self) -> FlowMatching {
        let flow = FlowMatching::new(self.shift.or(self.flow_shift).unwrap_or(1.0));
        let (Some(base), Some(most), Some(patches)) = (self.base_shift, self.max_shift, self.image_seq_len) else {
            return flow;
        };
        let lengths = [self.base_image_seq_len, self.max_image_seq_len].map(|length| length.expect("a length"));
        let flow = flow.with_dynamic(DynamicShift::new([base, most], lengths)).at(4 * patches);
        let mu = flow.dynamic.expect("grows").mu();
        assert!((mu - self.mu.expect("mu")).abs() < 1e-12, "{mu}: {self:?}");
        flow
    }

    fn plan(&self) -> Run {
        let kind = match self.kind.as_str() {
            "euler-flow" => Scheduler::Euler,
            "dpm++2m-flow" => Scheduler::DpmSolverPlusPlus2M,
            other => panic!("{other}"),
        };
        let mut schedule = NoiseSchedule::new(1000, 0.0001, 0.02, BetaSchedule::Linear);
        schedule.flow = Some(self.flow());
        scheduler::plan(kind, &schedule, PredictionType::FlowPrediction, self.steps, self.strength).expect("a plan")
    }
}

#[test]
fn trajectories_are_diffusers() {
    let golden: Golden = serde_json::from_slice(&read("cases.json")).expect("golden cases are JSON");
    let file = read("values.safetensors");
    let tensors = SafeTensors::deserialize(&file).expect("golden values");
    let mut timesteps = floats(&tensors, "timesteps").into_iter();
    let values = floats(&tensors, "values");
    let mut expected = values.chunks_exact(2 * KEPT);
    let (mut worst, mut failures) = (0.0f32, Vec::new());
    for case in &golden.cases {
        let mut run = case.plan();
        let times: Vec<f32> = timesteps.by_ref().take(case.visited).collect();
        let off = |(found, expected): (&f32, &f32)| (found - expected).abs() / expected.max(1.0);
        let late = run.timesteps().iter().zip(&times).map(off).fold(0.0, f32::max);
        assert!(run.len() == times.len() && late < 1e-6, "{:?} instead of {times:?}: {case:?}", run.timesteps());
        let error = difference(&trajectory(&mut run, case.strength.is_some()), expected.next().expect("values"));
        worst = worst.max(error);
        if error > TOLERANCE || error.is_nan() {
            failures.push(format!("{error:e} {case:?}"));
        }
    }
    assert!(timesteps.next().is_none() && expected.next().is_none(), "every value was compared");
    println!("{} cases, largest relative difference {worst:e}", golden.cases.len());
    assert!(failures.is_empty(), "{} cases differ:\n{}", failures.len(), failures.join("\n"));
}

/// One seed is one picture on every device only if this is, as for the other schedulers.
#[test]
fn trajectories_are_the_same_bits_on_every_device() {
    let golden: Golden = serde_json::from_slice(&read("cases.json")).expect("golden cases are JSON");
    let mut digest = Sha256::new();
    for case in &golden.cases {
        let mut run = case.plan();
        let timesteps = run.timesteps().to_vec();
        for value in timesteps.into_iter().chain(trajectory(&mut run, case.strength.is_some())) {
            digest.update(value.to_bits().to_le_bytes());
        }
    }
    assert_eq!(short(digest), BITS);
}

fn read(name: &str) -> Vec<u8> {
    std::fs::read(cones_tests::golden::path(&format!("flow/{name}"))).expect("a golden file")
}
