//! `cones find`.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Instant;

use clap::Args;
use cones_core::pack::{Precision, TokenEmbeddings};
use cones_core::scheduler::Diffusion;
use cones_core::{ConceptMask, Scope};
use sha2::{Digest, Sha256};

use super::about_args::{AboutArgs, Of};
use super::engine_args::{EngineArgs, cancelled_by_ctrl_c};
use super::progress_bar::Count;
use super::room;
use crate::cli::Failure;
use crate::find::batch::Mixture;
use crate::find::cache::Cache;
use crate::find::checkpoint::Checkpoint;
use crate::find::examples::{Examples, Part};
use crate::find::factors::{self, Factored};
use crate::find::finder::{self, Finder, Found, Problem, Schedule, Settings};
use crate::find::graph_objective::GraphObjective;
use crate::find::held_out::Losses;
use crate::find::method::{self, Kind};
use crate::find::objective::Objective;
use crate::find::prepare::{self, Wanted, prepare};
use crate::find::record::{LearnedTrigger, Record, Seconds, peak_memory};
use crate::find::selection::{Projection, Selection};
use crate::find::trigger_objective::{self, TriggerObjective};
use crate::find::warnings;
use crate::find::weights::Weights;
use crate::precision::PrecisionArg;

/// Arguments of `cones find`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  cones find --images models/subjects/fluent-robot --class robot --out robot.cones
  cones find --images photos --class dog --trigger '<v1> dog' --steps 600 --out rex.cones
  cones find --images photos --class dog --scope prompt --share 1 --out rex.cones
  cones find --images photos --class dog --learn-trigger --out rex.cones
In the table `*` is the mask that was taken, `t` the learned trigger with no weight shut.
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
    #[arg(long, value_name = "FILE.cones")]
    out: PathBuf,
    /// How neurons are found: learned, adaptive, accumulate (the paper's), or finetune (every weight, for comparison).
    #[arg(long, default_value = "learned")]
    method: Kind,
    /// Which rows of K and V the mask changes: trigger or prompt (the paper's).
    #[arg(long, default_value = "trigger")]
    scope: Scope,
    /// Training steps.
    #[arg(long, default_value_t = 300, value_name = "N")]
    steps: usize,
    /// Pictures in one step.
    #[arg(long, default_value_t = 12, value_name = "N", value_parser = clap::value_parser!(u16).range(2..=512))]
    batch: u16,
    /// The share of weights to shut, in percent; by default the one that does best on held-out noise.
    #[arg(long, value_name = "PERCENT")]
    share: Option<f64>,
    /// How much the class counts against the subject (the concept-implanting loss's lambda).
    #[arg(long, default_value_t = 1.0)]
    prior: f32,
    /// `learned`: what one unit of shut share costs, in units of the loss; by default 0.02 with scope `trigger`, where
    /// nothing but the subject can suffer, and 0.1 with scope `prompt`.
    #[arg(long, value_name = "COST")]
    pressure: Option<f64>,
    /// `learned`: learning rate of the logits.
    #[arg(long, default_value_t = method::Settings::default().rate)]
    rate: f64,
    /// `accumulate`: how far the weights move in one step.
    #[arg(long, default_value_t = method::Settings::default().rho)]
    rho: f64,
    /// Learn the embedding of the trigger's new word too (Textual Inversion); it adds about a kilobyte per token to the pack.
    #[arg(long)]
    learn_trigger: bool,
    /// `--learn-trigger`: learning rate, in units of the root mean square of the model's table of embeddings.
    #[arg(long, default_value_t = 0.1, value_name = "RATE", requires = "learn_trigger")]
    trigger_rate: f64,
    /// What the pack keeps per neuron: binary shuts them; the others train a factor for each, at the same neurons.
    #[arg(long, value_enum, default_value = "binary")]
    precision: PrecisionArg,
    /// Steps in which factors are trained.
    #[arg(long, default_value_t = 100, value_name = "N")]
    factor_steps: usize,
    /// Look for neurons among keys or values only.
    #[arg(long, value_enum)]
    only: Option<Projection>,
    /// Look for neurons in layers whose name holds this; repeatable.
    #[arg(long, value_name = "NAME")]
    block: Vec<String>,
    /// Pictures of the class, and as many of other things, that the model draws for itself.
    #[arg(long, default_value_t = 16, value_name = "N", value_parser = drawn)]
    drawn: usize,
    /// Learn from the pictures mirrored, too.
    #[arg(long)]
    flip: bool,
    /// Seed of everything random.
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Noisy pictures of each part that masks are measured on.
    #[arg(long, default_value_t = 48, value_name = "N")]
    held_out: usize,
    /// Keep prepared pictures in this folder, for further runs on the same pictures; made if need be.
    #[arg(long, value_name = "DIR")]
    cache: Option<PathBuf>,
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

/// Shares of all weights that are tried beside the method's own.
const SHARES: [f64; 8] = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2];
/// Finds.
pub fn run(args: &FindArgs) -> Result<(), Failure> {
    let start = Instant::now();
    let trigger = args.trigger.clone().unwrap_or_else(|| format!("<v1> {}", args.class));
    let cancel = cancelled_by_ctrl_c()?;
    if let Some(folder) = &args.cache {
        std::fs::create_dir_all(folder).map_err(cones_core::Error::io("create", folder))?;
    }
    let mut bar = Count::new(args.quiet || args.json);
    let settings = args.settings();
    let graph = args.engine.gradient();
    let size = settings.schedule.mixture.size();
    let wanted = Wanted {
        folder: &args.images,
        class: &args.class,
        trigger: &trigger,
        flip: args.flip,
        class_pictures: args.drawn,
        other_pictures: args.drawn,
        seed: args.seed,
    };
    let bundle = args.engine.bundle()?;
    let manifest = bundle.manifest();
    let warnings = warnings::of(&bundle, &wanted)?;
    let of = Of { trigger: &trigger, class: &args.class, scope: args.scope };
    // A name that no pack can have should not be found out at the end.
    let nothing = ConceptMask::empty(&manifest.layers);
    args.about.pack(&of, &args.out, &bundle, &nothing, Precision::Binary)?.encode()?;
    if args.learn_trigger {
        trigger_objective::check(&bundle)?;
    }
    room::check(&bundle, size, &graph, args.learn_trigger)?;
    for warning in warnings {
        writeln!(std::io::stderr(), "warning: {warning}")?;
    }
    let cache =
        Cache::new(args.cache.as_deref().unwrap_or(&hidden(&args.out, "examples")), &wanted, &manifest.fingerprint)?;
    let examples = match cache.load() {
        Some(examples) => examples,
        None => {
            // The engine goes before the derivative comes: its graphs would only take memory from it.
            let examples = prepare(&mut args.engine.open()?, &wanted, &mut bar, &cancel)?;
            cache.save(&examples)?;
            examples
        }
    };
    let preparing = start.elapsed().as_secs_f64();
    let base = Weights::read(bundle.attention());
    let diffusion = Diffusion::new(&manifest.noise_schedule, manifest.prediction_type)?;
    let objective = GraphObjective::new(&bundle, &examples, &base, args.scope, size, graph.clone())?;
    let mut objective: Box<dyn Objective + '_> = if args.learn_trigger {
        let wanted = trigger_objective::Wanted { trigger: &trigger, class: &args.class, rate: args.trigger_rate };
        Box::new(TriggerObjective::new(objective, &bundle, &examples, &wanted, &graph)?)
    } else {
        Box::new(objective)
    };
    let checkpoint =
        Checkpoint::new(hidden(&args.out, "finding"), key(args, &settings, &examples, &manifest.fingerprint));
    let problem = Problem { layers: &manifest.layers, base: &base, examples: &examples, diffusion: &diffusion };
    let mut finder = Finder { problem, objective: objective.as_mut(), watch: &mut bar, cancel: &cancel };
    let mut found = finder.find(&settings, Some(&checkpoint))?;
    let factors = match args.precision {
        PrecisionArg::Binary => None,
        // Fine-tuning has trained them already.
        _ if !found.mask.is_binary() => None,
        wanted => Some(factors::train(&mut finder, &settings, args.factor_steps, &mut found, wanted.into())?),
    };
    bar.clear();
    let precision = match Precision::from(args.precision) {
        // Fine-tuning has a factor for every weight; where a weight is next to nothing, float16 cannot hold it.
        Precision::Binary if !found.mask.is_binary() => Precision::Float32,
        wanted => wanted,
    };
    let embeddings = objective.trigger().map(|trigger| trigger.embeddings());
    let mut pack = args.about.pack(&of, &args.out, &bundle, &found.mask, precision)?;
    pack.embeddings = embeddings.clone();
    cones_core::atomic::write(&args.out, &pack.encode()?)?;
    checkpoint.remove();
    if args.cache.is_none() {
        cache.remove();
    }
    let seconds = Seconds { preparing, steps: found.seconds, total: start.elapsed().as_secs_f64() };
    let record = args.record(&found, factors, embeddings.as_ref(), seconds);
    record.save(&args.out)?;
    report(args, &record)
}

impl FindArgs {
    fn record(
        &self,
        found: &Found,
        factors: Option<Factored>,
        embeddings: Option<&TokenEmbeddings>,
        seconds: Seconds,
    ) -> Record {
        Record {
            command: std::env::args().collect(),
            method: self.method.to_string(),
            scope: self.scope.to_string(),
            seed: self.seed,
            neurons: found.chosen.neurons,
            share: found.chosen.share,
            base: found.base,
            trigger: embeddings.zip(found.trigger).map(|(learned, alone)| LearnedTrigger::of(learned, alone)),
            chosen: found.chosen.losses,
            curve: found.curve.clone(),
            factors,
            history: found.history.clone(),
            seconds,
            peak_memory: peak_memory(),
        }
    }

    fn settings(&self) -> Settings {
        let defaults = method::Settings::default();
        Settings {
            method: self.method,
            tuning: method::Settings {
                rho: self.rho,
                pressure: self.pressure.unwrap_or_else(|| method::Settings::pressure(self.scope)),
                rate: self.rate,
                finetune_rate: defaults.finetune_rate,
                share: self.share.map_or(defaults.share, |percent| percent / 100.0),
            },
            schedule: Schedule {
                steps: self.steps,
                mixture: Mixture::of(usize::from(self.batch), self.scope, self.prior),
                seed: self.seed,
                selection: Selection { only: self.only, blocks: self.block.clone() },
            },
            held_out: self.held_out,
            shares: SHARES.to_vec(),
            share: self.share.map(|percent| percent / 100.0),
        }
    }
}

/// What decides the run: with the same key an interrupted one goes on.
fn key(args: &FindArgs, settings: &Settings, examples: &Examples, fingerprint: &str) -> String {
    let mut digest = Sha256::new();
    digest.update(format!("{fingerprint} {settings:?} {}", args.scope));
    if args.learn_trigger {
        digest.update(format!("trigger {}", args.trigger_rate));
    }
    for example in examples.pictures.iter().filter(|e| e.part != Part::Other) {
        digest.update(&examples.captions[example.caption].text);
        example.latent.iter().for_each(|value| digest.update(value.to_le_bytes()));
    }
    cones_core::fingerprint::hex(&digest.finalize())
}

/// A file beside the pack that is not shown.
fn hidden(out: &Path, ending: &str) -> PathBuf {
    let name = out.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
    out.with_file_name(format!(".{name}.{ending}"))
}

fn report(args: &FindArgs, record: &Record) -> Result<(), Failure> {
    let mut out = std::io::stdout();
    if args.json {
        writeln!(out, "{}", serde_json::to_string_pretty(record)?)?;
        return Ok(());
    }
    let number = |loss: Option<f64>| loss.map_or("-".to_owned(), |loss| format!("{loss:.4}"));
    let mut line = |mark: &str, neurons: usize, share: f64, l: Losses| {
        let (class, other) = (number(l.class), number(l.other));
        writeln!(out, "{mark:1} {neurons:>9} {:>8.3} % {:>9.4} {class:>9} {other:>9}", 100.0 * share, l.subject)
    };
    line("", 0, 0.0, record.base)?;
    if let Some(trigger) = &record.trigger {
        line("t", 0, 0.0, trigger.alone)?;
    }
    for point in &record.curve {
        let mark = if point.neurons == record.neurons { "*" } else { "" };
        line(mark, point.neurons, point.share, point.losses)?;
    }
    writeln!(out, "{}", args.out.display())?;
    Ok(())
}

impl prepare::Watch for Count {
    fn prepared(&mut self, what: &str, done: usize, of: usize) {
        self.show(done, of, format!("{what} pictures"));
    }
}

impl finder::Watch for Count {
    fn step(&mut self, step: usize, steps: usize, loss: f64) {
        self.show(step, steps, format!("finding, loss {loss:.4}"));
    }

    fn measured(&mut self, done: usize, of: usize) {
        self.show(done, of, "measuring masks");
    }
}
