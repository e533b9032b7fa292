//! `cones compare`.

use std::io::Write;
use std::path::PathBuf;

use clap::Args;
use cones_core::{CancelToken, Engine, Error, Picture, Request, form};
use serde::Serialize;

use super::engine_args::{EngineArgs, cancelled_by_ctrl_c};
use super::progress_bar::Count;
use crate::base_model;
use crate::cli::Failure;
use crate::evaluate::measure::Measure;
use crate::evaluate::score::Score;
use crate::quantise::prompts;

/// Arguments of `cones compare`.
#[derive(Debug, Args)]
#[command(after_help = "\
Draws the same prompts and seeds with two bundles, and says how far the pictures are apart: the peak signal-to-noise ratio of
each pair in dB (above 40 nobody sees a difference; below 20 they are other pictures). With --measure also whether the pictures
of each show the things and the context that their prompts name.

Examples:
  cones compare small --bundle models/toybox/bundle --prompts prompts.txt
  cones compare small --bundle toybox --prompts prompts.txt --count 3 --measure models/toybox/measure --json")]
pub struct CompareArgs {
    /// The bundle that is compared: a folder, or the name of an installed one.
    #[arg(value_name = "BUNDLE")]
    other: PathBuf,
    /// A file of prompts, one a line.
    #[arg(long, value_name = "FILE")]
    prompts: PathBuf,
    /// Pictures of each prompt, with one seed each.
    #[arg(long, default_value_t = 1, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1000))]
    count: u32,
    /// Seed of the first picture of each prompt.
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Denoising steps.
    #[arg(long, value_name = "N")]
    steps: Option<u32>,
    /// A folder with the networks that judge pictures.
    #[arg(long, value_name = "DIR")]
    measure: Option<PathBuf>,
    /// Print figures as JSON.
    #[arg(long)]
    json: bool,
    /// No progress bar.
    #[arg(short, long)]
    quiet: bool,
    #[command(flatten)]
    engine: EngineArgs,
}

/// What was found.
#[derive(Debug, Serialize)]
struct Found {
    pictures: usize,
    /// Of each pair, in dB, by prompt and then by seed; equal pictures count as 99.
    psnr: Vec<f64>,
    psnr_mean: f64,
    psnr_least: f64,
    /// Seconds a step, of one bundle and of the other.
    seconds_per_step: [f64; 2],
    #[serde(skip_serializing_if = "Option::is_none")]
    scores: Option<[Score; 2]>,
}

/// What two equal pictures count as, in dB: a mean over infinite numbers says nothing.
const EQUAL: f64 = 99.0;

/// Draws and compares.
pub fn run(args: &CompareArgs) -> Result<(), Failure> {
    let prompts = prompts::read(&args.prompts)?;
    let mut measure = args.measure.as_deref().map(|folder| Measure::open(folder, args.engine.threads)).transpose()?;
    let other = base_model::open(&args.other, args.engine.store())?;
    let mut engines = [args.engine.open()?, args.engine.open_with(other)?];
    same_model(&engines)?;
    let cancel = cancelled_by_ctrl_c()?;
    let bar = Count::new(args.quiet || args.json);
    let (mut drawn, mut steps) = ([const { Vec::new() }; 2], [(0.0, 0u32); 2]);
    for (i, prompt) in prompts.iter().enumerate() {
        for ((engine, drawn), steps) in engines.iter_mut().zip(&mut drawn).zip(&mut steps) {
            draw(args, engine, prompt, drawn, steps, &cancel)?;
        }
        bar.show(i + 1, prompts.len(), "comparing");
    }
    bar.clear();
    let [one, two] = &drawn;
    let psnr: Vec<f64> = one.iter().zip(two).map(|(a, b)| psnr(a, b)).collect();
    let scores = match &mut measure {
        Some(measure) => {
            Some([score(measure, &prompts, args, one, &cancel)?, score(measure, &prompts, args, two, &cancel)?])
        }
        None => None,
    };
    let found = Found {
        pictures: psnr.len(),
        psnr_mean: psnr.iter().sum::<f64>() / psnr.len().max(1) as f64,
        psnr_least: psnr.iter().copied().fold(f64::INFINITY, f64::min),
        psnr,
        seconds_per_step: steps.map(|(seconds, count)| seconds / f64::from(count.max(1))),
        scores,
    };
    print(args, &engines, &found)
}

/// Pictures of other models are no forms of each other.
fn same_model(engines: &[Engine; 2]) -> Result<(), Failure> {
    let [one, two] = engines.each_ref().map(|engine| engine.bundle().manifest());
    if one.fingerprint == two.fingerprint && one.image == two.image {
        return Ok(());
    }
    let reason = format!("it is another base model than `{}`: their fingerprints differ", one.name);
    let hint = "compare forms of one base model".into();
    Err(Error::BadBundle { path: engines[1].bundle().path().to_path_buf(), reason, hint }.into())
}

fn draw(
    args: &CompareArgs,
    engine: &mut Engine,
    prompt: &str,
    drawn: &mut Vec<Picture>,
    steps: &mut (f64, u32),
    cancel: &CancelToken,
) -> Result<(), Failure> {
    let mut request = Request::new(prompt);
    request.seed = args.seed;
    request.count = args.count;
    request.steps = args.steps;
    let generated = engine.generate(&request, &mut (), cancel)?;
    steps.0 += generated.timings.unet.as_secs_f64();
    steps.1 += generated.timings.steps;
    drawn.extend(generated.pictures.into_iter().map(|drawn| drawn.picture));
    Ok(())
}

/// Peak signal-to-noise ratio of two pictures of one size, in dB.
fn psnr(a: &Picture, b: &Picture) -> f64 {
    let squares: f64 = a.rgb.iter().zip(&b.rgb).map(|(a, b)| (f64::from(*a) - f64::from(*b)).powi(2)).sum();
    let ratio = 255.0 * 255.0 * a.rgb.len() as f64 / squares;
    if ratio.is_finite() { (10.0 * ratio.log10()).min(EQUAL) } else { EQUAL }
}

fn score(
    measure: &mut Measure,
    prompts: &[String],
    args: &CompareArgs,
    pictures: &[Picture],
    cancel: &CancelToken,
) -> Result<Score, Failure> {
    let scenes: Vec<_> = prompts.iter().flat_map(|p| vec![measure.labels.scene(p); args.count as usize]).collect();
    Ok(Score::of(&measure.judge(pictures, &scenes, &[], cancel)?, &[]))
}

fn print(args: &CompareArgs, engines: &[Engine; 2], found: &Found) -> Result<(), Failure> {
    let mut out = std::io::stdout();
    if args.json {
        writeln!(out, "{}", serde_json::to_string_pretty(found)?)?;
        return Ok(());
    }
    writeln!(out, "pictures     {}", found.pictures)?;
    writeln!(out, "likeness     {:.1} dB in the mean, {:.1} dB at least", found.psnr_mean, found.psnr_least)?;
    for (i, engine) in engines.iter().enumerate() {
        let name = form::name(engine.bundle().manifest().form.as_ref());
        let percent = |share: Option<f64>| share.map_or("-".to_owned(), |share| format!("{:.1} %", 100.0 * share));
        let scores = found.scores.as_ref().map_or(String::new(), |scores| {
            format!(", things right {}, context right {}", percent(scores[i].objects), percent(scores[i].context))
        });
        writeln!(out, "{name:12} {:.1} ms a step{scores}", 1e3 * found.seconds_per_step[i])?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn likeness_is_in_decibels_and_finite() {
        let picture = |value: u8| Picture { width: 1, height: 1, rgb: vec![value; 3] };
        assert_eq!(psnr(&picture(7), &picture(7)), EQUAL);
        assert!(psnr(&picture(0), &picture(255)).abs() < 1e-12);
        assert!((psnr(&picture(0), &picture(1)) - 48.130_803_6).abs() < 1e-6);
    }
}
