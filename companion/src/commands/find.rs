//! `cones find`.

mod showing;

use std::io::Write;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use cones_core::subjects::pack::Precision;
use cones_core::{Bundle, ConceptMask, Pack, Scope};
use cones_find::batch::Mixture;
use cones_find::finder::{Schedule, SearchOptions};
use cones_find::held_out::Losses;
use cones_find::method::{MethodKind, MethodTuning};
use cones_find::record::Record;
use cones_find::selection::{Projection, Selection};
use cones_find::timesteps::Timesteps;
use cones_find::{FindOptions, find, pictures};
use serde_json::Value;

use super::about_args::{AboutArgs, Described};
use super::engine_args::{EngineArgs, cancelled_by_ctrl_c};
use super::progress_bar::Bar;
use crate::failure::Failure;
use crate::precision_arg::PrecisionArg;
use crate::ranges;
use crate::typed::without_folders;
use showing::Showing;

/// From so many pictures on one is held back where nothing else is said.
const ENOUGH: usize = 7;

/// Arguments of `cones find`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  cones find --images models/subjects/fluent-robot --class robot --out robot.cones
  cones find --images photos --class dog --trigger '<v1> dog' --steps 600 --out rex.cones
  cones find --images photos --class dog --scope prompt --share 1 --out rex.cones
  cones find --images photos --class dog --learn-trigger --out rex.cones
The table says how well the model tells noise from picture with each mask, as a loss on noise it has not seen: on the subject \
and on it beside another thing, where less is better, on others of its class and on other things, where it should stay as it is. \
`*` is the mask that was taken, \
`t` the learned trigger with no weight shut. At the end the subject is drawn in a few contexts, beside the base model, into \
FILE.preview.png, and judged as `cones evaluate` does.
Stopped by Ctrl-C or a power cut, the same command goes on where it was.")]
pub struct FindArgs {
    /// Folder with 1 to 10 pictures of the subject (PNG, JPEG, WebP). A `subject.json` there may hold captions.
    #[arg(long, value_name = "DIR")]
    images: PathBuf,
    /// What kind of thing it is, as the model calls it: dog, robot, ...
    #[arg(long)]
    class: String,
    /// The words that stand for the subject in prompts; `<v1> CLASS` by default.
    #[arg(long)]
    trigger: Option<String>,
    /// The pack to write.
    #[arg(short, long, value_name = "FILE.cones")]
    out: PathBuf,
    /// Learn nothing from the last N pictures (by name), so that they can tell how well the subject was learned; by default 1
    /// of 7 or more.
    #[arg(long, value_name = "N")]
    hold_back: Option<usize>,
    /// How neurons are found: learned, adaptive, accumulate (the paper's), or finetune (every weight, for comparison).
    #[arg(long, default_value = "learned")]
    method: MethodKind,
    /// Which rows of K and V the mask changes: trigger or prompt (the paper's).
    #[arg(long, default_value = "trigger")]
    scope: Scope,
    /// Training steps.
    #[arg(long, default_value_t = 300, value_name = "N", value_parser = ranges::steps)]
    steps: usize,
    /// Pictures in one step.
    #[arg(long, default_value_t = 12, value_name = "N", value_parser = clap::value_parser!(u16).range(2..=512))]
    batch: u16,
    /// The share of weights to shut, in percent; by default the one that does best on held-out noise.
    #[arg(long, value_name = "PERCENT", value_parser = ranges::percent)]
    share: Option<f64>,
    /// How much the class counts against the subject (the concept-implanting loss's lambda).
    #[arg(long, default_value_t = 1.0, value_parser = ranges::weight)]
    prior: f32,
    /// `learned`: what one unit of shut share costs, in units of the loss; by default 0.02 with scope `trigger`, where
    /// nothing but the subject can suffer, and 0.1 with scope `prompt`.
    #[arg(long, value_name = "COST", value_parser = ranges::cost)]
    pressure: Option<f64>,
    /// `learned`: learning rate of the logits.
    #[arg(long, default_value_t = MethodTuning::default().rate, value_parser = ranges::rate)]
    rate: f64,
    /// `accumulate`: how far the weights move in one step.
    #[arg(long, default_value_t = MethodTuning::default().rho, value_parser = ranges::distance)]
    rho: f64,
    /// Learn the embedding of the trigger's new word too (Textual Inversion); it adds about a kilobyte per token to the pack.
    #[arg(long)]
    learn_trigger: bool,
    /// `--learn-trigger`: learning rate, in units of the root mean square of the model's table of embeddings.
    #[arg(long, default_value_t = 0.1, value_name = "RATE", requires = "learn_trigger", value_parser = ranges::rate)]
    trigger_rate: f64,
    /// What the pack keeps per neuron: binary shuts them; the others train a factor for each, at the same neurons.
    #[arg(long, value_enum, default_value = "binary")]
    precision: PrecisionArg,
    /// Steps in which factors are trained.
    #[arg(long, default_value_t = 100, value_name = "N", value_parser = ranges::steps_or_none)]
    factor_steps: usize,
    /// Among what neurons are looked for; by default values with scope `trigger`, and both with scope `prompt` and the methods
    /// accumulate and finetune.
    #[arg(long, value_enum)]
    only: Option<ProjectionArg>,
    /// How often each timestep is learned from; by default the middle ones most where the method `learned` finds with scope
    /// `trigger`, and all alike elsewhere.
    #[arg(long, value_enum)]
    timesteps: Option<TimestepsArg>,
    /// Look for neurons in layers whose name holds this; repeatable.
    #[arg(long, value_name = "NAME")]
    block: Vec<String>,
    /// Pictures of the class, as many of other things, and as many of things beside the subject, that the model draws for itself.
    #[arg(long, default_value_t = 16, value_name = "N", value_parser = drawn)]
    drawn: usize,
    /// Learn from the subject's pictures alone, and none in which it stands beside something that the model drew; always so with
    /// --method accumulate.
    #[arg(long)]
    alone: bool,
    /// Learn from the pictures mirrored, too.
    #[arg(long)]
    flip: bool,
    /// Seed of everything random.
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Noisy pictures of each part that masks are measured on.
    #[arg(long, default_value_t = 48, value_name = "N", value_parser = ranges::measured)]
    held_out: usize,
    /// Contexts that are drawn at the end, up to 8, for the sheet and the figures; 0 for neither.
    #[arg(long, default_value_t = 8, value_name = "N", value_parser = clap::value_parser!(u8).range(..=8))]
    show: u8,
    /// The folder with the networks that judge; by default Toybox's, for Toybox.
    #[arg(long, value_name = "DIR")]
    measure: Option<PathBuf>,
    /// Keep prepared pictures in this folder, for further runs on the same pictures, and what the model drew for itself, for
    /// other subjects of the class; made if need be.
    #[arg(long, value_name = "DIR")]
    examples: Option<PathBuf>,
    /// Print figures as JSON instead of a table.
    #[arg(long)]
    json: bool,
    /// No progress bar.
    #[arg(short, long)]
    quiet: bool,
    #[command(flatten)]
    about: AboutArgs,
    #[command(flatten)]
    engine: EngineArgs,
}

/// How many pictures the model is to draw for itself.
pub(super) fn drawn(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(count @ 1..=1000) => Ok(count),
        _ => Err("must be 1 to 1000".into()),
    }
}

/// The kinds of projection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum ProjectionArg {
    /// `to_k`
    Keys,
    /// `to_v`
    Values,
    /// Both
    Both,
}

impl ProjectionArg {
    /// None for both.
    pub(super) fn only(self) -> Option<Projection> {
        match self {
            Self::Keys => Some(Projection::Keys),
            Self::Values => Some(Projection::Values),
            Self::Both => None,
        }
    }
}

/// How timesteps are drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum TimestepsArg {
    /// All alike
    Even,
    /// The middle ones most
    Middle,
}

impl From<TimestepsArg> for Timesteps {
    fn from(arg: TimestepsArg) -> Self {
        match arg {
            TimestepsArg::Even => Self::Even,
            TimestepsArg::Middle => Self::Middle,
        }
    }
}

/// Finds, and writes the pack with its record beside it.
pub fn run(args: &FindArgs) -> Result<(), Failure> {
    let cancel = cancelled_by_ctrl_c()?;
    if let Some(folder) = &args.examples {
        std::fs::create_dir_all(folder).map_err(cones_core::Error::io("create", folder))?;
    }
    let mut bar = Bar::of_counts(args.quiet || args.json);
    let bundle = args.engine.bundle()?;
    let options = args.options(&bundle)?;
    let described = Described { trigger: &options.trigger, class: &args.class, scope: args.scope };
    // A name that no pack can have should not be found out at the end.
    let nothing = ConceptMask::empty(&bundle.manifest().layers);
    args.about.pack(&described, &args.out, &bundle, &nothing, Precision::Binary)?.encode()?;
    let mut measure = showing::measure(args.measure.as_deref(), &bundle, args.engine.threads)?;
    let found = find(&bundle, &options, &mut bar, &cancel)?;
    let mut pack = args.about.pack(&described, &args.out, &bundle, &found.mask, found.precision)?;
    pack.embeddings.clone_from(&found.embeddings);
    cones_core::disk::atomic::write(&args.out, &pack.encode()?)?;
    found.remove_interim();
    let mut record = Record { command: without_folders(std::env::args()), ..found.record };
    if let Some(measure) = &mut measure {
        record.looks = Some(showing::look(measure, &bundle, &args.images, options.hold_back, &cancel)?);
    }
    record.save(&args.out)?;
    // The pack stands: whatever stops the rest takes nothing of it.
    let shown = if args.show == 0 {
        None
    } else {
        let judged = measure.as_mut().zip(record.looks.as_ref());
        let (from, count) = ((&bundle, &options.engine), usize::from(args.show));
        Some(showing::show(from, &pack, &args.out, count, judged, &bar, &cancel)?)
    };
    bar.clear();
    report(args, &pack, &record, shown.as_ref())
}

impl FindArgs {
    /// What was typed, as the finder takes it.
    fn options(&self, bundle: &Bundle) -> Result<FindOptions, Failure> {
        let mut options = FindOptions::new(&self.images, &self.class, "");
        if let Some(trigger) = &self.trigger {
            options.trigger.clone_from(trigger);
        }
        options.scope = self.scope;
        let enough = || Ok::<_, Failure>(usize::from(pictures::list(&self.images)?.len() >= ENOUGH));
        options.hold_back = self.hold_back.map_or_else(enough, Ok)?;
        options.search = self.search();
        options.trigger_rate = self.learn_trigger.then_some(self.trigger_rate);
        options.precision = self.precision.into();
        options.factor_steps = self.factor_steps;
        options.drawn = self.drawn;
        options.flip = self.flip;
        options.alone = self.alone || self.method == MethodKind::Accumulate;
        options.engine = self.engine.options();
        options.gradient = self.engine.gradient(bundle)?;
        options.examples = self.examples.clone().unwrap_or_else(|| hidden(&self.out, "examples"));
        options.keep_examples = self.examples.is_some();
        options.shared.clone_from(&self.examples);
        options.checkpoint = hidden(&self.out, "finding");
        Ok(options)
    }

    fn selection(&self) -> Selection {
        let only = match (self.only, self.method) {
            (Some(only), _) => only.only(),
            (None, MethodKind::Accumulate | MethodKind::Finetune) => None,
            (None, _) => Selection::of_scope(self.scope).only,
        };
        Selection { only, blocks: self.block.clone() }
    }

    fn search(&self) -> SearchOptions {
        let share = self.share.map(|percent| percent / 100.0);
        let defaults = MethodTuning::default();
        let mut search = SearchOptions::new(self.scope);
        search.method = self.method;
        search.tuning = MethodTuning {
            rho: self.rho,
            pressure: self.pressure.unwrap_or(search.tuning.pressure),
            rate: self.rate,
            finetune_rate: defaults.finetune_rate,
            share: share.unwrap_or(defaults.share),
        };
        search.schedule = Schedule {
            steps: self.steps,
            mixture: Mixture::new(usize::from(self.batch), self.scope, self.prior),
            timesteps: self.timesteps.map_or_else(|| Timesteps::of(self.method, self.scope), Timesteps::from),
            seed: self.seed,
            selection: self.selection(),
        };
        search.held_out = self.held_out;
        search.share = share;
        search
    }
}

/// A file beside the pack that is not shown.
fn hidden(out: &Path, ending: &str) -> PathBuf {
    let name = out.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
    out.with_file_name(format!(".{name}.{ending}"))
}

fn report(args: &FindArgs, pack: &Pack, record: &Record, shown: Option<&Showing>) -> Result<(), Failure> {
    let mut out = std::io::stdout();
    let figures = shown.and_then(|shown| shown.figures.as_ref());
    if args.json {
        let mut json = serde_json::to_value(record)?;
        if let (Value::Object(fields), Some(figures)) = (&mut json, figures) {
            fields.insert("evaluation".into(), serde_json::to_value(figures)?);
        }
        writeln!(out, "{}", serde_json::to_string_pretty(&json)?)?;
        return Ok(());
    }
    let number = |loss: Option<f64>| loss.map_or("-".to_owned(), |loss| format!("{loss:.4}"));
    writeln!(
        out,
        "{:1} {:>9} {:>10} {:>9} {:>9} {:>9} {:>9}",
        "", "neurons", "share", "subject", "beside", "class", "others"
    )?;
    let mut line = |mark: &str, neurons: usize, share: f64, l: Losses| {
        let [beside, class, other] = [l.company, l.class, l.other].map(number);
        let share = 100.0 * share;
        writeln!(out, "{mark:1} {neurons:>9} {share:>8.3} % {:>9.4} {beside:>9} {class:>9} {other:>9}", l.subject)
    };
    line("", 0, 0.0, record.base)?;
    if let Some(trigger) = &record.trigger {
        line("t", 0, 0.0, trigger.alone)?;
    }
    for point in &record.curve {
        let mark = if point.neurons == record.neurons { "*" } else { "" };
        line(mark, point.neurons, point.share, point.losses)?;
    }
    if let Some(figures) = figures {
        writeln!(out)?;
        figures.print(&mut out, &pack.metadata.name)?;
        writeln!(out)?;
    }
    if let Some(shown) = shown {
        writeln!(out, "{}", shown.sheet.display())?;
        if figures.is_none() {
            let hint = "no figures: Toybox's measure judges Toybox's pictures; name another with --measure";
            writeln!(std::io::stderr(), "{hint}")?;
        }
    }
    writeln!(out, "{}", args.out.display())?;
    if !args.quiet {
        writeln!(std::io::stderr(), "draw it: {}", showing::command(pack, &args.out))?;
    }
    Ok(())
}
