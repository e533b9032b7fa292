//! What this device computes, number by number, to hold against another device's: `cargo xtask reach arm64` does.
//!
//! One line for each thing: its name, a tab, and its values in hexadecimal: float32 in 8 digits, bytes in 2. Pictures need
//! ONNX Runtime, and are drawn where a third argument names how many steps to take.
//!
//! ```sh
//! cargo run --release -p cones-core --example bits -- models/toybox/bundle models/packs/fluent-dog.cones 4
//! ```

use std::io::Write;

use cones_core::attention::{Correction, Projection};
use cones_core::model::manifest::{BetaSchedule, NoiseSchedule, PredictionType, TimestepSpacing};
use cones_core::sampling::noise::TorchGenerator;
use cones_core::sampling::scheduler::{self, Scheduler};
use cones_core::{Bundle, CancelToken, Engine, EngineOptions, MemoryMode, Pack, Picture, Request, Subject};

type Outcome<T = ()> = Result<T, Box<dyn std::error::Error>>;

fn main() -> Outcome {
    let given: Vec<String> = std::env::args().skip(1).collect();
    let [folder, pack, steps @ ..] = given.as_slice() else {
        return Err("give a bundle's folder, a pack and, for pictures, a number of steps".into());
    };
    let bundle = Bundle::open(folder)?;
    let pack = Pack::decode(pack, &std::fs::read(pack)?, bundle.manifest())?;
    noise()?;
    schedulers()?;
    bytes("pack, encoded again", &pack.encode()?)?;
    keys_and_values(&bundle, &pack)?;
    match steps {
        [] => Ok(()),
        [steps, ..] => pictures(bundle, &pack, steps.parse()?),
    }
}

fn noise() -> Outcome {
    let mut generator = TorchGenerator::new(42);
    floats("noise, 4 × 64 × 64", &generator.randn(4 * 64 * 64))?;
    let few: Vec<f32> = (0..500).flat_map(|_| generator.randn(3)).collect();
    floats("noise, 500 draws of 3", &few)
}

/// Every scheduler's samples after each step, with a function of few roundings in place of the U-Net.
fn schedulers() -> Outcome {
    for &kind in Scheduler::all() {
        let mut values = Vec::new();
        for spacing in [TimestepSpacing::Leading, TimestepSpacing::Trailing, TimestepSpacing::Linspace] {
            let mut schedule = NoiseSchedule::new(1000, 0.00085, 0.012, BetaSchedule::ScaledLinear);
            schedule.timestep_spacing = spacing;
            for steps in [1, 4, 20, 25] {
                values.extend(trajectory(kind, &schedule, steps)?);
            }
        }
        floats(&format!("scheduler {}", kind.name()), &values)?;
    }
    Ok(())
}

fn trajectory(kind: Scheduler, schedule: &NoiseSchedule, steps: usize) -> Outcome<Vec<f32>> {
    let mut run = scheduler::plan(kind, schedule, PredictionType::Epsilon, steps, None)?;
    let mut generator = TorchGenerator::new(7);
    let mut sample = generator.randn(32);
    sample.iter_mut().for_each(|x| *x *= run.init_noise_sigma());
    let (mut input, mut values) = (vec![0.0; sample.len()], run.timesteps().to_vec());
    for i in 0..run.len() {
        run.scale_model_input(i, &sample, &mut input)?;
        let output: Vec<f32> = input.iter().map(|x| x * 0.75).collect();
        run.step(i, &output, &mut sample, &mut generator)?;
        values.extend(&sample);
    }
    Ok(values)
}

/// Of an embedding of noise: without subjects, and with one for some tokens at less than full strength.
fn keys_and_values(bundle: &Bundle, pack: &Pack) -> Outcome {
    const TOKENS: usize = 16;
    let weights = bundle.attention();
    let columns = bundle.manifest().layers.first().map_or(0, |layer| layer.columns as usize);
    let embedding = TorchGenerator::new(3).randn(TOKENS * columns);
    let projection = Projection::new(weights, &embedding, TOKENS)?;
    let subject = pack.subject();
    let correction = Correction::new(vec![2, 3, 11], vec![(&subject.mask, 0.7)]);
    floats("K and V", &projection.key_values(weights, &[]).layers.concat())?;
    floats("K and V with a subject", &projection.key_values(weights, &[correction]).layers.concat())
}

fn pictures(bundle: Bundle, pack: &Pack, steps: u32) -> Outcome {
    let options = EngineOptions::default().with_threads(1).with_memory(MemoryMode::Resident);
    let mut engine = Engine::new(bundle, options)?;
    let subject = pack.subject();
    let trigger = format!("a {} on grass", subject.trigger);
    bytes("picture", &draw(&mut engine, "a dog and an apple on grass", None, steps)?.rgb)?;
    bytes("picture with a subject", &draw(&mut engine, &trigger, Some(subject), steps)?.rgb)
}

fn draw(engine: &mut Engine, prompt: &str, subject: Option<Subject>, steps: u32) -> Outcome<Picture> {
    let mut request = Request::new(prompt).with_seed(7).with_steps(steps);
    request.subjects.extend(subject);
    let mut generated = engine.generate(&request, &mut (), &CancelToken::new())?;
    Ok(generated.pictures.swap_remove(0).picture)
}

fn floats(name: &str, values: &[f32]) -> Outcome {
    line(name, values.iter().map(|value| format!("{:08x}", value.to_bits())))
}

fn bytes(name: &str, values: &[u8]) -> Outcome {
    line(name, values.iter().map(|value| format!("{value:02x}")))
}

fn line(name: &str, words: impl Iterator<Item = String>) -> Outcome {
    writeln!(std::io::stdout().lock(), "{name}\t{}", words.collect::<String>())?;
    Ok(())
}
