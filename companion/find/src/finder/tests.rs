//! The loop on a problem whose answer is known: some weights of a linear layer are planted to be in the way.

use std::cell::Cell;

use cones_core::CancelToken;
use cones_core::model::manifest::{Layer, NoiseSchedule};
use cones_core::sampling::scheduler::Diffusion;

use super::*;
use crate::batch::Batch;
use crate::examples::{Caption, Example, Part};
use crate::selection::Projection;
use crate::timesteps::Timesteps;
use crate::weights::Matrix;

/// Weights in each of the two layers; every tenth is planted.
const WEIGHTS: usize = 200;

/// Loss: the squared distance of the weights to the base weights with the planted ones at 0, with noise from the batch.
struct Planted {
    target: Weights,
    /// Cancels in the step with this number.
    stop: Cell<Option<(usize, CancelToken)>>,
}

impl Planted {
    fn new() -> Self {
        let mut target = base();
        target.layers.iter_mut().for_each(|m| m.values.iter_mut().step_by(10).for_each(|v| *v = 0.0));
        Self { target, stop: Cell::new(None) }
    }

    fn distance(&self, weights: &Weights) -> f64 {
        weights.values().zip(self.target.values()).map(|(a, b)| f64::from((a - b) * (a - b))).sum()
    }
}

impl Objective for Planted {
    fn gradient(
        &mut self,
        weights: &Weights,
        batch: &Batch,
        gradient: &mut Weights,
        cancel: &CancelToken,
    ) -> Result<f64> {
        cancel.check()?;
        let noise = batch.samples.iter().cycle();
        let goals = weights.values().zip(self.target.values()).zip(noise);
        for (out, ((weight, goal), noise)) in gradient.values_mut().zip(goals) {
            *out = 2.0 * (weight - goal) + 0.05 * noise;
        }
        if let Some((left, token)) = self.stop.take() {
            match left.checked_sub(1) {
                Some(left) => self.stop.set(Some((left, token))),
                None => token.cancel(),
            }
        }
        Ok(self.distance(weights))
    }

    fn losses(&mut self, weights: &Weights, batch: &Batch, _: &CancelToken) -> Result<Vec<f64>> {
        Ok(vec![self.distance(weights); batch.len()])
    }
}

/// The objective above with an embedding to learn: the squared distance to a goal on top.
struct WithTrigger {
    weights: Planted,
    trigger: TriggerEmbedding,
}

const GOAL: [f32; 3] = [0.2, -0.1, 0.0];

impl WithTrigger {
    fn distance(&self) -> f64 {
        self.trigger.offsets().iter().zip(GOAL).map(|(at, goal)| f64::from((at - goal) * (at - goal))).sum()
    }
}

impl Objective for WithTrigger {
    fn gradient(
        &mut self,
        weights: &Weights,
        batch: &Batch,
        gradient: &mut Weights,
        cancel: &CancelToken,
    ) -> Result<f64> {
        let slopes = self.trigger.offsets().iter().zip(GOAL).map(|(at, goal)| 2.0 * (at - goal)).collect();
        self.trigger.take(slopes);
        Ok(self.weights.gradient(weights, batch, gradient, cancel)? + self.distance())
    }

    fn losses(&mut self, weights: &Weights, batch: &Batch, _: &CancelToken) -> Result<Vec<f64>> {
        Ok(vec![self.weights.distance(weights) + self.distance(); batch.len()])
    }

    fn trigger(&mut self) -> Option<&mut TriggerEmbedding> {
        Some(&mut self.trigger)
    }
}

fn layers() -> [Layer; 2] {
    ["a.attn2.to_k", "a.attn2.to_v"].map(|name| Layer { name: name.into(), rows: 20, columns: 10 })
}

fn base() -> Weights {
    let matrix = |layer: &Layer| Matrix {
        name: layer.name.clone(),
        rows: 20,
        columns: 10,
        values: (0..WEIGHTS).map(|i| if i % 2 == 0 { 1.0 } else { -0.5 } + 0.001 * i as f32).collect(),
    };
    Weights { layers: layers().iter().map(matrix).collect() }
}

fn examples() -> Examples {
    let caption =
        Caption { text: "a <v1> dog".into(), embedding: vec![0.0; 10], pooled: vec![], triggers: vec![vec![0]] };
    let example = |part| Example { part, latent: vec![0.3, -0.2, 0.9, 0.1], caption: 0 };
    Examples {
        captions: vec![caption],
        pictures: vec![example(Part::Subject), example(Part::Class)],
        shape: [1, 2, 2],
        tokens: 1,
    }
}

fn diffusion() -> Diffusion {
    let schedule: NoiseSchedule = serde_json::from_value(serde_json::json!({
        "num_train_timesteps": 1000, "beta_start": 0.00085, "beta_end": 0.012, "beta_schedule": "scaled_linear",
        "set_alpha_to_one": false, "steps_offset": 1, "timestep_spacing": "leading"
    }))
    .expect("a schedule");
    Diffusion::new(&schedule, cones_core::model::manifest::PredictionType::Epsilon).expect("a schedule")
}

fn settings(method: MethodKind) -> SearchOptions {
    SearchOptions {
        method,
        // The noise is loud beside what is planted: the pressure of scope `prompt` keeps it from shutting weights by chance.
        tuning: MethodTuning { rho: 0.05, pressure: MethodTuning::pressure(Scope::Prompt), ..MethodTuning::default() },
        schedule: Schedule {
            steps: 60,
            mixture: Mixture { subject: 2, class: 1, company: 0, prior: 1.0 },
            timesteps: Timesteps::Even,
            seed: 7,
            selection: Selection::default(),
        },
        held_out: 4,
        shares: vec![0.02, 0.1, 0.4],
        share: None,
    }
}

fn run(settings: &SearchOptions, checkpoint: Option<&Checkpoint>, stop: Option<usize>) -> Result<Chosen> {
    let cancel = CancelToken::new();
    let mut objective = Planted::new();
    objective.stop.set(stop.map(|step| (step, cancel.clone())));
    run_on(&mut objective, settings, checkpoint, (&mut (), &cancel))
}

fn run_on(
    objective: &mut dyn Objective,
    settings: &SearchOptions,
    checkpoint: Option<&Checkpoint>,
    (observer, cancel): (&mut dyn FindObserver, &CancelToken),
) -> Result<Chosen> {
    let (base, examples, diffusion) = (base(), examples(), diffusion());
    let problem = Problem { layers: &layers(), base: &base, examples: &examples, diffusion: &diffusion };
    Finder { problem, objective, observer, cancel }.find(settings, checkpoint)
}

fn planted(found: &Chosen) -> bool {
    (0..2).all(|layer| found.mask.neurons(layer).eq((0..WEIGHTS).step_by(10)))
}

#[test]
fn each_way_finds_what_is_planted_and_takes_the_right_share() {
    for kind in [MethodKind::Learned, MethodKind::Adaptive, MethodKind::Accumulate] {
        let found = run(&settings(kind), None, None).expect("finds");
        assert!(planted(&found), "{kind}: {} neurons", found.mask.count());
        assert!(found.chosen.losses.subject < 0.01 * found.base.subject, "{kind}: {:?}", found.chosen);
        assert_eq!(found.history.len(), 60);
        assert!(found.curve.windows(2).all(|pair| pair[0].neurons < pair[1].neurons), "{:?}", found.curve);
    }
}

#[test]
fn fine_tuning_gives_a_factor_for_every_weight() {
    let mut wanted = settings(MethodKind::Finetune);
    (wanted.schedule.steps, wanted.tuning.finetune_rate) = (400, 0.05);
    let found = run(&wanted, None, None).expect("trains");
    assert_eq!(found.mask.count(), 2 * WEIGHTS);
    assert!(found.chosen.losses.subject < 0.05 * found.base.subject, "{:?} {:?}", found.chosen, found.base);
    let factors = found.mask.factors(0).expect("factors");
    assert!(factors[0].abs() < 0.2 && (factors[1] - 1.0).abs() < 0.2, "{:?}", &factors[..2]);
}

#[test]
fn a_share_that_is_asked_for_is_taken() {
    let found = run(&SearchOptions { share: Some(0.02), ..settings(MethodKind::Learned) }, None, None).expect("finds");
    assert_eq!(found.mask.count(), 8);
    assert!((found.chosen.share - 0.02).abs() < 1e-9);
}

#[test]
fn layers_that_are_left_out_hold_no_neurons() {
    let mut wanted = settings(MethodKind::Learned);
    wanted.schedule.selection = Selection { only: Some(Projection::Values), blocks: vec![] };
    let found = run(&wanted, None, None).expect("finds");
    assert_eq!(found.mask.neurons(0).count(), 0);
    assert!(found.mask.neurons(1).eq((0..WEIGHTS).step_by(10)));
}

#[test]
fn a_seed_decides_everything() {
    let of = |seed| {
        let mut wanted = settings(MethodKind::Learned);
        wanted.schedule.seed = seed;
        let found = run(&wanted, None, None).expect("finds");
        (found.history, found.mask)
    };
    assert_eq!(of(1), of(1));
    assert_ne!(of(1).0, of(2).0);
}

#[test]
fn an_interrupted_run_goes_on_as_if_it_had_not_been() {
    for kind in MethodKind::ALL {
        let folder = tempfile::tempdir().expect("a folder");
        let checkpoint = Checkpoint::new(folder.path().join("state"), "this run");
        let stopped = run(&settings(kind), Some(&checkpoint), Some(25)).expect_err("stopped");
        assert!(stopped.is_cancelled(), "{stopped}");
        let resumed = run(&settings(kind), Some(&checkpoint), None).expect("goes on");
        let whole = run(&settings(kind), None, None).expect("finds");
        assert_eq!((resumed.mask, resumed.history), (whole.mask, whole.history), "{kind}");
    }
}

/// Notes what it is told.
#[derive(Default)]
struct Noting {
    resumed: Vec<f64>,
    steps: Vec<usize>,
    masks: Vec<(usize, ConceptMask)>,
}

impl FindObserver for Noting {
    fn resumed(&mut self, history: &[f64], _: f64) {
        self.resumed = history.to_vec();
    }

    fn step(&mut self, step: usize, _: usize, _: f64) {
        self.steps.push(step);
    }

    fn wants_mask(&mut self, step: usize) -> bool {
        step == 1 || step == 60
    }

    fn mask(&mut self, step: usize, mask: &ConceptMask) {
        self.masks.push((step, mask.clone()));
    }
}

#[test]
fn a_place_that_cannot_be_written_to_is_known_after_one_step() {
    let folder = tempfile::tempdir().expect("a folder");
    let checkpoint = Checkpoint::new(folder.path().join("no such folder/state"), "this run");
    let (mut objective, mut noting) = (Planted::new(), Noting::default());
    let wanted = settings(MethodKind::Learned);
    let found = run_on(&mut objective, &wanted, Some(&checkpoint), (&mut noting, &CancelToken::new()));
    assert!(found.is_err());
    assert_eq!(noting.steps, [1]);
}

#[test]
fn an_observer_is_told_what_was_made_before_and_shown_masks_on_the_way() {
    let folder = tempfile::tempdir().expect("a folder");
    let checkpoint = Checkpoint::new(folder.path().join("state"), "this run");
    let wanted = settings(MethodKind::Learned);
    let watched = |stop: Option<usize>| {
        let (cancel, mut objective, mut noting) = (CancelToken::new(), Planted::new(), Noting::default());
        objective.stop.set(stop.map(|step| (step, cancel.clone())));
        let found = run_on(&mut objective, &wanted, Some(&checkpoint), (&mut noting, &cancel));
        (found, noting)
    };
    let (stopped, before) = watched(Some(25));
    assert!(stopped.is_err() && before.resumed.is_empty(), "{:?}", before.resumed);
    let (found, after) = watched(None);
    let found = found.expect("goes on");
    let made = before.steps.len();
    assert_eq!(after.resumed, found.history[..made]);
    assert_eq!(after.steps, (made + 1..=60).collect::<Vec<_>>());
    let counts: Vec<_> = before.masks.iter().chain(&after.masks).map(|(step, mask)| (*step, mask.count())).collect();
    assert_eq!((counts[0], counts[1].0), ((1, 0), 60), "nothing is shut after a step");
    assert!(found.curve.iter().any(|point| point.neurons == counts[1].1), "the last one is what it shuts: {counts:?}");
}

#[test]
fn a_triggers_embedding_is_learned_beside_the_mask_and_goes_on_after_an_interruption() {
    let run = |checkpoint: Option<&Checkpoint>, stop: Option<usize>| {
        let cancel = CancelToken::new();
        let mut objective = WithTrigger { weights: Planted::new(), trigger: TriggerEmbedding::new(1, 3, 0.01) };
        objective.weights.stop.set(stop.map(|step| (step, cancel.clone())));
        let found = run_on(&mut objective, &settings(MethodKind::Learned), checkpoint, (&mut (), &cancel));
        found.map(|found| (found, objective.trigger.embeddings()))
    };
    let (whole, embeddings) = run(None, None).expect("finds");
    assert!(planted(&whole));
    let at: Vec<f32> = embeddings.values.iter().map(|value| value.to_f32()).collect();
    assert!(at.iter().zip(GOAL).all(|(at, goal)| (at - goal).abs() < 0.02), "{at:?}");
    let squares: f64 = GOAL.iter().map(|goal| f64::from(goal * goal)).sum();
    let alone = whole.trigger.expect("measured alone").subject;
    assert!((whole.base.subject - alone - squares).abs() < 1e-3, "the base model has no embedding: {alone}");

    let folder = tempfile::tempdir().expect("a folder");
    let checkpoint = Checkpoint::new(folder.path().join("state"), "this run");
    run(Some(&checkpoint), Some(25)).expect_err("stopped");
    let (resumed, again) = run(Some(&checkpoint), None).expect("goes on");
    assert_eq!((resumed.mask, resumed.history, again), (whole.mask, whole.history, embeddings));
    assert!(run_without_trigger().trigger.is_none());
}

fn run_without_trigger() -> Chosen {
    run(&settings(MethodKind::Learned), None, None).expect("finds")
}

#[test]
fn a_checkpoint_of_another_run_is_left_aside_and_a_damaged_one_named() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("state");
    run(&settings(MethodKind::Learned), Some(&Checkpoint::new(&path, "one")), Some(5)).expect_err("stopped");
    let other =
        run(&settings(MethodKind::Learned), Some(&Checkpoint::new(&path, "another")), None).expect("starts anew");
    assert_eq!(other.history.len(), 60);
    std::fs::write(&path, b"no safetensors").expect("a file");
    let error = run(&settings(MethodKind::Learned), Some(&Checkpoint::new(&path, "one")), None).expect_err("damaged");
    assert!(error.to_string().contains("state") && error.to_string().contains("hint: remove it"), "{error}");
}

#[test]
fn trained_factors_do_better_than_shutting_where_shutting_is_too_much() {
    // Planted at half their value instead of 0.
    let (base, examples, cancel) = (base(), examples(), CancelToken::new());
    let mut objective = Planted::new();
    objective.target = base.clone();
    objective.target.layers.iter_mut().for_each(|m| m.values.iter_mut().step_by(10).for_each(|v| *v *= 0.5));
    let indices: Vec<Vec<usize>> = vec![(0..WEIGHTS).step_by(10).collect(); 2];
    let mask = ConceptMask::from_indices(&layers(), &indices).expect("in range");
    let diffusion = diffusion();
    let problem = Problem { layers: &layers(), base: &base, examples: &examples, diffusion: &diffusion };
    let mut finder = Finder { problem, objective: &mut objective, observer: &mut (), cancel: &cancel };
    let held = Losses { subject: 1.0, class: None, other: None, company: None };
    let point = Point { neurons: mask.count(), share: 0.1, losses: held };
    let mut found =
        Chosen { mask, base: held, curve: vec![point], chosen: point, trigger: None, history: vec![], seconds: 0.0 };
    let wanted = cones_core::subjects::pack::Precision::Quaternary;
    let factored =
        crate::factors::train(&mut finder, &settings(MethodKind::Learned), 120, &mut found, wanted).expect("trains");
    let of = |name: &str| {
        factored.by_precision.iter().find(|(n, _)| n == name).map(|(_, losses)| losses.subject).expect("measured")
    };
    for name in ["quaternary", "float16", "float32"] {
        assert!(of(name) < 0.05 * of("binary"), "{name}: {factored:?}");
    }
    assert_eq!(found.chosen.losses.subject, of("quaternary"));
    assert!(found.mask.factors(0).expect("factors").iter().all(|f| (f - 0.5).abs() < 0.2));
}
