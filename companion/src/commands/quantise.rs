//! `cones quantise`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use cones_core::model::form::Weights;
use cones_quantise::calibrate::Method;
use cones_quantise::{Calibration, QuantiseOptions, Stage, prompts, quantise};

use super::engine_args::cancelled_by_ctrl_c;
use super::progress_bar::Bar;
use super::quantise_report;
use crate::base_model;
use crate::failure::Failure;
use crate::places::StoreArgs;
use crate::ranges;

/// Arguments of `cones quantise`.
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
The small form has the same fingerprint: packs made for the exact bundle serve it, and `cones find` goes on taking the exact one. \
`cargo xtask bench forms` measures what each form loses on Toybox, `cones compare` on any model.

Examples:
  cones quantise models/toybox/bundle --out small --weights int8
  cones quantise model --out smaller --weights int4
  cones quantise model --out fast --weights int8 --activations int8 --calibrate prompts.txt")]
pub struct QuantiseArgs {
    /// The exact bundle: its folder, or the name of an installed one.
    #[arg(value_name = "BUNDLE")]
    bundle: PathBuf,
    /// Folder to write the small form to.
    #[arg(short, long, value_name = "SMALL")]
    out: PathBuf,
    /// Bits of the weights.
    #[arg(long, value_enum)]
    weights: WeightBits,
    /// Bits of the activations of the U-Net.
    #[arg(long, value_enum, default_value_t = ActivationBits::Float)]
    activations: ActivationBits,
    /// A file of prompts to learn the activations' ranges from, one a line; needed for `--activations int8`.
    #[arg(long, value_name = "PROMPTS")]
    calibrate: Option<PathBuf>,
    /// How a range is decided.
    #[arg(long, value_enum, default_value_t = MethodArg::Minmax)]
    ranges: MethodArg,
    /// Share of the U-Net's weights, in per cent, whose layers stay in floating point: those that lose most, each measured.
    #[arg(long, value_name = "PERCENT", default_value_t = 5.0, value_parser = percent)]
    keep_float: f64,
    /// Offer it to every device. Without this, devices take forms that lost more than a point of recognised subjects on
    /// Toybox (`int4`, `int8-static`) only when they ask for them.
    #[arg(long)]
    offer: bool,
    /// Replace SMALL if there is one.
    #[arg(long)]
    force: bool,
    /// Threads inside one node; all physical cores by default.
    #[arg(long, value_name = "N", value_parser = ranges::threads)]
    threads: Option<usize>,
    /// No progress bar.
    #[arg(short, long)]
    quiet: bool,
    #[command(flatten)]
    store: StoreArgs,
}

/// Bits of weights.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum WeightBits {
    /// 8, with a scale for each output channel.
    Int8,
    /// 4 in the linear layers, in blocks of 32; 8 in convolutions.
    Int4,
}

/// Bits of activations.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum ActivationBits {
    /// Floating point.
    Float,
    /// 8, in ranges found beforehand.
    Int8,
}

/// How the range of an activation is decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum MethodArg {
    /// All that occurred.
    Minmax,
    /// Without the outermost hundredth of a per cent.
    Percentile,
    /// What loses least information (TensorRT's rule).
    Entropy,
}

impl From<MethodArg> for Method {
    fn from(arg: MethodArg) -> Self {
        match arg {
            MethodArg::Minmax => Self::Minmax,
            MethodArg::Percentile => Self::Percentile,
            MethodArg::Entropy => Self::Entropy,
        }
    }
}

fn percent(text: &str) -> Result<f64, String> {
    let value = text.parse::<f64>().ok().filter(|value| (0.0..=100.0).contains(value));
    value.ok_or_else(|| "must be a number, 0 to 100".to_owned())
}

/// Makes the small form, and prints what became of the graphs.
///
/// # Errors
/// Says which graph, layer or weight is at fault. Nothing is left behind at `--out` then.
pub fn run(args: &QuantiseArgs) -> Result<(), Failure> {
    let options = options(args)?;
    let bundle = base_model::open(&args.bundle, &args.store)?;
    let cancel = cancelled_by_ctrl_c()?;
    let bar = Bar::of_counts(args.quiet);
    let mut told = |stage: Stage, done: usize, of: usize| {
        bar.show(done, of, if stage == Stage::Drawing { "drawing" } else { "measuring layers" });
    };
    let made = quantise(&bundle, &args.out, &options, &mut told, &cancel)?;
    bar.clear();
    Ok(quantise_report::print(&bundle, &made)?)
}

fn options(args: &QuantiseArgs) -> Result<QuantiseOptions, Failure> {
    let wrong = |text: &str| Err(Failure::Usage(text.to_owned()));
    let calibration = match (args.activations, &args.calibrate) {
        (ActivationBits::Float, None) => None,
        (ActivationBits::Float, Some(_)) => return wrong("--calibrate is for --activations int8"),
        (ActivationBits::Int8, None) => {
            return wrong(
                "--activations int8 needs --calibrate PROMPTS: ranges are learnt from pictures\n\
                 hint: a text file, one prompt a line, 8 to 32 of them, of the kind that will be drawn",
            );
        }
        (ActivationBits::Int8, Some(_)) if args.weights == WeightBits::Int4 => {
            return wrong(
                "--activations int8 goes with --weights int8: 4-bit weights have no kernel with fixed ranges",
            );
        }
        (ActivationBits::Int8, Some(file)) => Some(Calibration {
            prompts: prompts::read(file)?,
            method: args.ranges.into(),
            keep_float: args.keep_float / 100.0,
        }),
    };
    let weights = match args.weights {
        WeightBits::Int8 => Weights::Int8,
        WeightBits::Int4 => Weights::Int4,
    };
    // By the gate's figures, which stand in README: 8-bit weights alone lose nothing.
    let passes = weights == Weights::Int8 && calibration.is_none();
    Ok(QuantiseOptions {
        weights,
        calibration,
        on_request: !passes && !args.offer,
        replace: args.force,
        threads: args.threads,
    })
}
