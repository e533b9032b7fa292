//! The derivative of the finder's loss with respect to the trigger's embedding, through U-Net, projection and text
//! encoder, against differences.

#![allow(clippy::print_stdout, reason = "a test that is asked to talk tells its figures")]

use cones_core::sampling::scheduler::Diffusion;
use cones_core::{CancelToken, Scope};
use cones_find::batch::{Mixture, draw};
use cones_find::examples::{Caption, Example, Examples, Part};
use cones_find::graph_objective::GraphObjective;
use cones_find::objective::Objective;
use cones_find::random::Random;
use cones_find::timesteps::Timesteps;
use cones_find::trigger_objective::{TriggerObjective, TriggerSpec};
use cones_find::weights::Weights;
use cones_gradient::GradientOptions;
use cones_tests::base;

/// Pictures of noise: a derivative needs no better ones. One prompt names the subject twice.
fn examples() -> Examples {
    let mut engine = base::shared();
    let manifest = engine.bundle().manifest();
    let (scale, tokens) = (manifest.latent.scale, manifest.text.max_length as usize);
    let [channels, height, width] =
        [manifest.latent.channels, manifest.image.height / scale, manifest.image.width / scale].map(|d| d as usize);
    let mut caption = |text: &str| {
        let ids = engine.tokenizer().encode(text).expect("tokens");
        let places = engine.tokenizer().positions(&ids, "<v1> dog").expect("places");
        Caption {
            text: text.into(),
            embedding: engine.embed(text).expect("an embedding"),
            pooled: vec![],
            triggers: vec![places],
        }
    };
    let captions = vec![caption("a <v1> dog on grass"), caption("a <v1> dog and a <v1> dog"), caption("a dog")];
    let picture = |i: usize| {
        let mut latent = vec![0.0; channels * height * width];
        Random::new(5, i as u64).normal(&mut latent);
        Example { part: if i == 2 { Part::Class } else { Part::Subject }, latent, caption: i }
    };
    Examples { captions, pictures: (0..3).map(picture).collect(), shape: [channels, height, width], tokens }
}

#[test]
fn the_triggers_gradient_agrees_with_differences() {
    let (bundle, examples, cancel) = (base::bundle(), examples(), CancelToken::new());
    let manifest = bundle.manifest();
    let base = Weights::read(bundle.attention());
    let mut weights = base.clone();
    weights.values_mut().step_by(5).for_each(|weight| *weight = 0.0);
    let diffusion = Diffusion::new(&manifest.noise_schedule, manifest.prediction_type).expect("a schedule");
    let mixture = Mixture { subject: 3, class: 1, company: 0, prior: 0.7 };
    let batch = draw(&examples, &diffusion, mixture, Timesteps::Even, &mut Random::new(9, 0)).expect("a batch");
    let settings = GradientOptions { threads: Some(1), ..GradientOptions::default() };
    let wanted = TriggerSpec { trigger: "<v1> dog", class: "dog", rate: 0.1 };
    for scope in [Scope::Trigger, Scope::Prompt] {
        let graph = GraphObjective::new(&bundle, &examples, &base, scope, batch.len(), settings.clone());
        let graph = graph.unwrap_or_else(|error| panic!("{error}"));
        let mut objective = TriggerObjective::new(graph, &bundle, &examples, &wanted, &settings)
            .unwrap_or_else(|error| panic!("{error}"));
        // Not at the table's own embedding, where a mistake might not show.
        let set = |objective: &mut TriggerObjective<'_>, values: &[f32]| {
            let trigger = objective.trigger().expect("an embedding");
            let mut state = trigger.state_mut();
            state[0].1.values_mut().zip(values).for_each(|(at, value)| *at = *value);
        };
        let count = objective.trigger().expect("an embedding").offsets().len();
        let mut start = vec![0.0; count];
        Random::new(3, 0).normal(&mut start[..count / 2]);
        start.iter_mut().for_each(|value| *value *= 0.05);
        set(&mut objective, &start);
        let mut gradient = base.filled(0.0);
        objective.gradient(&weights, &batch, &mut gradient, &cancel).unwrap_or_else(|error| panic!("{error}"));
        let slopes = objective.trigger().expect("an embedding").gradient().to_vec();
        assert!(slopes[count / 2..].iter().all(|slope| *slope == 0.0), "the class word is not learned");
        let length = slopes.iter().map(|slope| f64::from(*slope).powi(2)).sum::<f64>().sqrt();
        // The loss of pictures of noise is far from straight.
        let step = 0.0007;
        let mut loss = |sign: f64| -> f64 {
            let along = |(at, slope): (&f32, &f32)| (f64::from(*at) + sign * step * f64::from(*slope) / length) as f32;
            set(&mut objective, &start.iter().zip(&slopes).map(along).collect::<Vec<_>>());
            let losses = objective.losses(&weights, &batch, &cancel).unwrap_or_else(|error| panic!("{error}"));
            losses.iter().zip(&batch.weights).map(|(loss, weight)| loss * f64::from(*weight)).sum()
        };
        let rise = (loss(1.0) - loss(-1.0)) / (2.0 * step);
        println!("{scope}: differences {rise:.6}, gradient {length:.6}");
        assert!(
            (rise / length - 1.0).abs() < 0.02,
            "{scope}: the loss rises by {rise}, and the gradient says {length}"
        );
    }
}
