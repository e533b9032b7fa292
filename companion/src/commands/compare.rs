//! `cones compare`.

use std::io::Write;
use std::path::PathBuf;

use clap::Args;
use cones_core::model::form;
use cones_core::{Bundle, CancelToken, Error, Picture, Request};
use cones_quantise::prompts;
use serde::Serialize;

use super::engine_args::{EngineArgs, cancelled_by_ctrl_c};
use super::progress_bar::Bar;
use crate::base_model;
use crate::evaluate::measure::Measure;
use crate::evaluate::score::Score;
use crate::failure::Failure;

/// Arguments of `cones compare`.
#[derive(Debug, Args)]
#[command(after_help = "\
Draws the same prompts and seeds with several bundles, and says how far the pictures are from those of --bundle: the peak signal-to-noise ratio of \
each pair in dB (above 40 nobody sees a difference; below 20 they are other pictures). With --measure also whether the pictures \
of each show the things and the context that their prompts name.

Examples:
  cones compare small --bundle models/toybox/bundle --prompts prompts.txt
  cones compare int8 int4 --bundle toybox --prompts prompts.txt --count 3 --measure models/toybox/measure --json")]
pub struct CompareArgs {
    /// The bundles that are compared with --bundle: folders, or names of installed ones.
    #[arg(value_name = "OTHER", required = true)]
    others: Vec<PathBuf>,
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

/// What was found of one bundle.
#[derive(Debug, Serialize)]
struct Found {
    form: &'static str,
    pictures: usize,
    /// Seconds a step of the U-Net, both branches.
    seconds_per_step: f64,
    /// Likeness to the first bundle's pictures; none of itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    psnr: Option<Likeness>,
    #[serde(skip_serializing_if = "Option::is_none")]
    score: Option<Score>,
}

/// Peak signal-to-noise ratios in dB; equal pictures count as 99.
#[derive(Debug, Serialize)]
struct Likeness {
    mean: f64,
    least: f64,
    /// By prompt and then by seed.
    each: Vec<f64>,
}

/// What two equal pictures count as, in dB: a mean over infinite numbers says nothing.
const EQUAL: f64 = 99.0;

/// Draws and compares.
pub fn run(args: &CompareArgs) -> Result<(), Failure> {
    let prompts = prompts::read(&args.prompts)?;
    let mut measure = args.measure.as_deref().map(|folder| Measure::open(folder, args.engine.threads)).transpose()?;
    let mut bundles = vec![args.engine.bundle()?];
    for other in &args.others {
        let other = base_model::open(other, args.engine.store())?;
        same_model(&bundles[0], &other)?;
        bundles.push(other);
    }
    let cancel = cancelled_by_ctrl_c()?;
    let bar = Bar::of_counts(args.quiet || args.json);
    let (mut found, mut exact): (Vec<Found>, Vec<Picture>) = (Vec::new(), Vec::new());
    let of = bundles.len() * prompts.len();
    for bundle in bundles {
        let form = form::name(bundle.manifest().form.as_ref());
        // One engine at a time: the memory of one bundle is enough.
        let mut engine = args.engine.open_with(bundle)?;
        let (mut drawn, mut seconds, mut steps) = (Vec::new(), 0.0, 0);
        for (i, prompt) in prompts.iter().enumerate() {
            let generated = engine.generate(&request(args, prompt), &mut (), &cancel)?;
            seconds += generated.timings.unet.as_secs_f64();
            steps += generated.timings.steps;
            drawn.extend(generated.pictures.into_iter().map(|drawn| drawn.picture));
            bar.show(found.len() * prompts.len() + i + 1, of, "comparing");
        }
        let score = measure.as_mut().map(|measure| score(measure, &prompts, args, &drawn, &cancel)).transpose()?;
        let psnr = (!found.is_empty()).then(|| Likeness::new(&exact, &drawn));
        let seconds_per_step = seconds / f64::from(steps.max(1));
        found.push(Found { form, pictures: drawn.len(), seconds_per_step, psnr, score });
        if exact.is_empty() {
            exact = drawn;
        }
    }
    bar.clear();
    print(args, &found)
}

/// Pictures of other models are no forms of each other.
fn same_model(one: &Bundle, other: &Bundle) -> Result<(), Failure> {
    let [own, others] = [one, other].map(|bundle| bundle.manifest());
    if own.fingerprint == others.fingerprint && own.image == others.image {
        return Ok(());
    }
    let reason = format!("it is another base model than `{}`: their fingerprints differ", own.name);
    Err(Error::bad_bundle(other.path(), reason, "compare forms of one base model").into())
}

fn request(args: &CompareArgs, prompt: &str) -> Request {
    let mut request = Request::new(prompt);
    request.seed = args.seed;
    request.count = args.count;
    request.steps = args.steps;
    request
}

impl Likeness {
    fn new(one: &[Picture], other: &[Picture]) -> Self {
        let each: Vec<f64> = one.iter().zip(other).map(|(a, b)| psnr(a, b)).collect();
        Self {
            mean: each.iter().sum::<f64>() / each.len().max(1) as f64,
            least: each.iter().copied().fold(f64::INFINITY, f64::min),
            each,
        }
    }
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
    Ok(Score::new(&measure.judge(pictures, &scenes, &[], cancel)?, &[]))
}

fn print(args: &CompareArgs, found: &[Found]) -> Result<(), Failure> {
    let mut out = std::io::stdout();
    if args.json {
        writeln!(out, "{}", serde_json::to_string_pretty(found)?)?;
        return Ok(());
    }
    let percent = |share: Option<f64>| share.map_or("-".to_owned(), |share| format!("{:.1} %", 100.0 * share));
    let titles = ["pictures", "PSNR, mean", "least", "a step", "things", "context"];
    writeln!(
        out,
        "{:12} {:>8} {:>11} {:>9} {:>10} {:>8} {:>8}",
        "", titles[0], titles[1], titles[2], titles[3], titles[4], titles[5]
    )?;
    for row in found {
        let decibels =
            |of: fn(&Likeness) -> f64| row.psnr.as_ref().map_or("-".to_owned(), |p| format!("{:.1} dB", of(p)));
        let (mean, least) = (decibels(|p| p.mean), decibels(|p| p.least));
        let step = format!("{:.1} ms", 1e3 * row.seconds_per_step);
        let (things, context) =
            (percent(row.score.and_then(|s| s.objects)), percent(row.score.and_then(|s| s.context)));
        let (form, pictures) = (row.form, row.pictures);
        writeln!(out, "{form:12} {pictures:>8} {mean:>11} {least:>9} {step:>10} {things:>8} {context:>8}")?;
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
