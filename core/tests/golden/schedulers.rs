//! `core::sampling::scheduler` against diffusers' schedulers on a fixed model function. Vectors: `tests/golden/make_schedulers.py`.

use std::collections::BTreeMap;

use cones_core::model::manifest::{NoiseSchedule, PredictionType};
use cones_core::sampling::noise::TorchGenerator;
use cones_core::sampling::scheduler::{self, Run};
use safetensors::SafeTensors;
use serde::Deserialize;
use serde_json::json;
use sha2::{Digest, Sha256};

/// Largest difference allowed, as a share of the sample's largest value.
pub(super) const TOLERANCE: f32 = 1e-5;
const LATENT: usize = 4 * 8 * 8;
const SEED: u64 = 42;
/// Of each sample the file holds every fourth value.
const STRIDE: usize = 4;
pub(super) const KEPT: usize = LATENT / STRIDE;
/// SHA-256 of the timesteps and kept values of each scheduler's cases, as x86-64 computes them; with zero-terminal SNR, with
/// an `eta` and of another distillation apart.
const BITS: [(&str, &str); 19] = [
    ("ddim", "0e91cf342f8e17a87fbf70654137cb62"),
    ("ddim eta", "e19af2540a7b6196a5930141162db721"),
    ("ddim zero-snr", "4c7e6f70ddc927058b31f2e511d2ce99"),
    ("ddim zero-snr eta", "561cdf326f6f0312980a16acf2a1abaf"),
    ("dpm++2m", "bad7c5b5a9c40da0bb4ceed89382dd72"),
    ("dpm++2m zero-snr", "a28acf9e96013c6b92678de2207f3920"),
    ("dpm++2m-karras", "57b049bd263921ca642b9be1cac231ec"),
    ("dpm++2m-karras zero-snr", "2870e55254d626e83c7c7a9b64fdf9c0"),
    ("euler", "959d8c2a2ee9f81c907eb9e689487e57"),
    ("euler zero-snr", "2aed8add251c6f7c0bdaf5df17a87945"),
    ("euler-a", "4db58608b30dfa4d3c4bb696201c533a"),
    ("euler-a zero-snr", "25745eeea966f792b4c5c6daa8820180"),
    ("lcm", "58440de71f33a7d97f7b8d5ebcffc31e"),
    ("lcm original", "a3e8efa5779e0446cd98e17eae204570"),
    ("lcm zero-snr", "3fa1ba97da7ac8cd45bb4337a9c76b0d"),
    ("tcd", "c413c89e7994f9d01f4f1660f972324d"),
    ("tcd eta", "0dcdbc83306e7b08774a48cf0016467a"),
    ("tcd original", "68bf09a8d4621874b8ed392dced4f6a4"),
    ("tcd zero-snr", "05479a0546369aff5667269adaf8d005"),
];

#[derive(Deserialize)]
struct Golden {
    cases: Vec<Case>,
}

#[derive(Debug, Deserialize)]
struct Case {
    kind: String,
    beta_start: f64,
    beta_end: f64,
    beta_schedule: String,
    prediction_type: PredictionType,
    timestep_spacing: String,
    steps_offset: u32,
    set_alpha_to_one: bool,
    steps: usize,
    strength: Option<f32>,
    eta: Option<f32>,
    #[serde(default)]
    rescale_betas_zero_snr: bool,
    original_inference_steps: Option<u32>,
    /// Steps made, or nothing where diffusers refuses the case.
    visited: Option<usize>,
    init_noise_sigma: Option<f32>,
    refused: Option<String>,
}

impl Case {
    fn group(&self) -> String {
        let more = [
            (self.rescale_betas_zero_snr, " zero-snr"),
            (self.eta.is_some(), " eta"),
            (self.original_inference_steps.is_some(), " original"),
        ];
        more.into_iter().filter(|(is, _)| *is).fold(self.kind.clone(), |group, (_, more)| group + more)
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
    let mut worst: BTreeMap<String, f32> = BTreeMap::new();
    let mut failures = Vec::new();

    for case in &golden.cases {
        let plan = plan(case);
        let Some(visited) = case.visited else {
            assert!(plan.is_err(), "diffusers refuses ({:?}), we do not: {case:?}", case.refused);
            continue;
        };
        let mut run = plan.unwrap_or_else(|error| panic!("{error}: {case:?}"));
        let times: Vec<f32> = timesteps.by_ref().take(visited).collect();
        assert_eq!(run.timesteps(), times, "{case:?}");
        let sigma = case.init_noise_sigma.expect("a sigma");
        assert!((run.init_noise_sigma() - sigma).abs() <= 1e-5 * sigma, "{case:?}");

        let error = difference(&trajectory(&mut run, case.strength.is_some()), expected.next().expect("values"));
        let entry = worst.entry(case.group()).or_default();
        *entry = entry.max(error);
        // From σ = 4096, zero-terminal SNR, down to 0 a last bit of the first sample is what is left.
        let tolerance = TOLERANCE.max(sigma * f32::EPSILON);
        if error > tolerance || error.is_nan() {
            failures.push(format!("{error:e} {case:?}"));
        }
    }
    assert!(timesteps.next().is_none() && expected.next().is_none(), "every value was compared");
    println!("largest relative differences: {worst:?}");
    assert!(failures.is_empty(), "{} cases differ:\n{}", failures.len(), failures.join("\n"));
}

/// One seed is one picture on every device only if this is: no step may depend on a system's mathematical library, nor on
/// whether a processor fuses a multiplication with an addition. Where a scheduler is changed on purpose, its digest changes.
#[test]
fn trajectories_are_the_same_bits_on_every_device() {
    let golden: Golden = serde_json::from_slice(&read("cases.json")).expect("golden cases are JSON");
    let mut digests: BTreeMap<String, Sha256> = BTreeMap::new();
    for case in &golden.cases {
        let Ok(mut run) = plan(case) else { continue };
        let digest = digests.entry(case.group()).or_default();
        let timesteps = run.timesteps().to_vec();
        for value in timesteps.into_iter().chain(trajectory(&mut run, case.strength.is_some())) {
            digest.update(value.to_bits().to_le_bytes());
        }
    }
    let found: Vec<(String, String)> = digests.into_iter().map(|(group, digest)| (group, short(digest))).collect();
    let expected: Vec<(String, String)> = BITS.iter().map(|&(group, digest)| (group.into(), digest.into())).collect();
    assert_eq!(found, expected);
}

/// The first half of a digest, in hex.
pub(super) fn short(digest: Sha256) -> String {
    digest.finalize().iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}

fn plan(case: &Case) -> cones_core::Result<Run> {
    let schedule: NoiseSchedule = serde_json::from_value(json!({
        "num_train_timesteps": 1000,
        "beta_start": case.beta_start,
        "beta_end": case.beta_end,
        "beta_schedule": case.beta_schedule,
        "timestep_spacing": case.timestep_spacing,
        "steps_offset": case.steps_offset,
        "set_alpha_to_one": case.set_alpha_to_one,
        "rescale_betas_zero_snr": case.rescale_betas_zero_snr,
        "original_inference_steps": case.original_inference_steps.unwrap_or(50),
    }))
    .expect("a schedule");
    let steps = (case.steps, case.strength);
    scheduler::plan_with_eta(case.kind.parse()?, &schedule, case.prediction_type, steps, case.eta)
}

/// The kept values after the middle step and after the last.
pub(super) fn trajectory(run: &mut Run, from_picture: bool) -> Vec<f32> {
    let mut generator = TorchGenerator::new(SEED);
    let mut sample = generator.randn(LATENT);
    if from_picture {
        let noise = sample.clone();
        let picture: Vec<f32> = (0..LATENT).map(|i| ((i % 17) as f32 - 8.0) / 8.0).collect();
        run.add_noise(0, &picture, &noise, &mut sample).expect("noise");
    } else {
        sample.iter_mut().for_each(|x| *x *= run.init_noise_sigma());
    }
    let mut input = vec![0.0; LATENT];
    let mut kept = Vec::new();
    for i in 0..run.len() {
        run.scale_model_input(i, &sample, &mut input).expect("scaling");
        let timestep = run.timesteps()[i];
        let output: Vec<f32> = input.iter().map(|&x| model(x, timestep)).collect();
        run.step(i, &output, &mut sample, &mut generator).expect("a step");
        if i == (run.len() - 1) / 2 {
            kept.extend(sample.iter().step_by(STRIDE));
        }
    }
    kept.extend(sample.iter().step_by(STRIDE));
    kept
}

/// Stands in for the U-Net; the same as `model` in the script.
fn model(x: f32, timestep: f32) -> f32 {
    let (x, t) = (f64::from(x), f64::from(timestep));
    (0.3 * (x * 0.7 + t / 1000.0).tanh() + 0.05 * x) as f32
}

/// The larger of the two samples' differences, each relative to the sample's largest value.
pub(super) fn difference(found: &[f32], expected: &[f32]) -> f32 {
    let one = |(found, expected): (&[f32], &[f32])| {
        let scale = expected.iter().fold(0.0f32, |most, x| most.max(x.abs()));
        let gap = found.iter().zip(expected).fold(0.0f32, |most, (a, b)| most.max((a - b).abs()));
        let finite = found.iter().chain(expected).all(|x| x.is_finite());
        if finite { gap / scale } else { f32::INFINITY }
    };
    found.chunks(KEPT).zip(expected.chunks(KEPT)).map(one).fold(0.0, f32::max)
}

fn read(name: &str) -> Vec<u8> {
    let path = cones_tests::golden::path(&format!("schedulers/{name}"));
    std::fs::read(path).expect("a golden file")
}

pub(super) fn floats(tensors: &SafeTensors<'_>, name: &str) -> Vec<f32> {
    let data = tensors.tensor(name).expect("a golden tensor").data();
    data.chunks_exact(4).map(|bytes| f32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]])).collect()
}
