//! `cones find`.

mod room;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Instant;

use clap::Args;
use cones_core::pack::{Metadata, Precision};
use cones_core::scheduler::Diffusion;
use cones_core::{Bundle, Pack, Scope};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde::Serialize;
use sha2::{Digest, Sha256};

use super::engine_args::{EngineArgs, cancelled_by_ctrl_c};
use crate::cli::Failure;
use crate::clock;
use crate::find::batch::Mixture;
use crate::find::checkpoint::Checkpoint;
use crate::find::examples::{Examples, Part};
use crate::find::finder::{self, Found, Point, Problem, Settings};
use crate::find::graph_objective::GraphObjective;
use crate::find::held_out::Losses;
use crate::find::method::{self, Kind};
use crate::find::prepare::{self, Wanted, prepare};
use crate::find::selection::{Projection, Selection};
use crate::find::weights::Weights;
use crate::gradient::{self, Memory};

/// Arguments of `cones find`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  cones find --images models/subjects/fluent-robot --class robot --out robot.cones
  cones find --images photos --class dog --trigger '<v1> dog' --steps 600 --out rex.cones
  cones find --images photos --class dog --scope prompt --share 1 --out rex.cones
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
    /// How neurons are found: learned, adaptive or accumulate (the paper's).
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
    /// `learned`: what one unit of shut share costs.
    #[arg(long, default_value_t = method::Settings::default().pressure)]
    pressure: f64,
    /// `learned`: learning rate of the logits.
    #[arg(long, default_value_t = method::Settings::default().rate)]
    rate: f64,
    /// `accumulate`: how far the weights move in one step.
    #[arg(long, default_value_t = method::Settings::default().rho)]
    rho: f64,
    /// Look for neurons among keys or values only.
    #[arg(long, value_enum)]
    only: Option<Projection>,
    /// Look for neurons in layers whose name holds this; repeatable.
    #[arg(long, value_name = "NAME")]
    block: Vec<String>,
    /// Learn from the pictures mirrored, too.
    #[arg(long)]
    flip: bool,
    /// Seed of everything random.
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Noisy pictures of each part that masks are measured on.
    #[arg(long, default_value_t = 48, value_name = "N")]
    held_out: usize,
    /// Print figures as JSON instead of a table.
    #[arg(long)]
    json: bool,
    /// No progress bar.
    #[arg(short, long)]
    quiet: bool,
    #[command(flatten)]
    engine: EngineArgs,
}

/// Shares of all weights that are tried beside the method's own.
const SHARES: [f64; 8] = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2];
/// Pictures of the class and of other things that the model draws for itself.
const DRAWN: usize = 16;

#[derive(Serialize)]
struct Summary<'a> {
    pack: &'a Path,
    neurons: usize,
    share: f64,
    base: Losses,
    chosen: Losses,
    curve: &'a [Point],
    history: &'a [f64],
    seconds: Seconds,
}

#[derive(Serialize)]
struct Seconds {
    preparing: f64,
    steps: f64,
    total: f64,
}

/// Finds.
pub fn run(args: &FindArgs) -> Result<(), Failure> {
    let start = Instant::now();
    let trigger = args.trigger.clone().unwrap_or_else(|| format!("<v1> {}", args.class));
    let cancel = cancelled_by_ctrl_c()?;
    let mut bar = Bar::new(args.quiet || args.json);
    let settings = args.settings();
    let memory = if args.engine.low_memory { Memory::Low } else { Memory::Normal };
    let graph = gradient::Settings { provider: args.engine.provider, threads: args.engine.threads, memory };
    let size = settings.mixture.subject + settings.mixture.class;
    room::check(&args.engine.bundle()?, size, &graph)?;
    let mut engine = args.engine.open()?;
    let wanted = Wanted {
        folder: &args.images,
        class: &args.class,
        trigger: &trigger,
        flip: args.flip,
        class_pictures: DRAWN,
        other_pictures: DRAWN,
        seed: args.seed,
    };
    let examples = prepare(&mut engine, &wanted, &mut bar, &cancel)?;
    let folder = engine.bundle().path().to_path_buf();
    // Its graphs would only take memory from the derivative's.
    drop(engine);
    let preparing = start.elapsed().as_secs_f64();

    let bundle = Bundle::open(folder)?;
    let manifest = bundle.manifest();
    let base = Weights::read(bundle.attention());
    let diffusion = Diffusion::new(&manifest.noise_schedule, manifest.prediction_type)?;
    let mut objective = GraphObjective::new(&bundle, &examples, &base, args.scope, size, graph)?;
    let checkpoint = Checkpoint::new(state_file(&args.out), key(args, &settings, &examples, &manifest.fingerprint));
    let problem = Problem { layers: &manifest.layers, base: &base, examples: &examples, diffusion: &diffusion };
    let found = finder::find(&problem, &mut objective, &settings, Some(&checkpoint), &mut bar, &cancel)?;
    bar.clear();
    write_pack(args, &trigger, &bundle, &found)?;
    checkpoint.remove();
    let seconds = Seconds { preparing, steps: found.seconds, total: start.elapsed().as_secs_f64() };
    report(args, &found, seconds)
}

impl FindArgs {
    fn settings(&self) -> Settings {
        let batch = usize::from(self.batch);
        // A prompt without the trigger is untouched by scope `trigger`, so class pictures would teach nothing.
        let class = if self.scope == Scope::Trigger { 0 } else { (batch / 3).max(1) };
        let defaults = method::Settings::default();
        Settings {
            method: self.method,
            tuning: method::Settings {
                rho: self.rho,
                pressure: self.pressure,
                rate: self.rate,
                share: self.share.map_or(defaults.share, |percent| percent / 100.0),
            },
            steps: self.steps,
            mixture: Mixture { subject: batch - class, class, prior: self.prior },
            seed: self.seed,
            held_out: self.held_out,
            shares: SHARES.to_vec(),
            share: self.share.map(|percent| percent / 100.0),
            selection: Selection { only: self.only, blocks: self.block.clone() },
        }
    }
}

/// What decides the run: with the same key an interrupted one goes on.
fn key(args: &FindArgs, settings: &Settings, examples: &Examples, fingerprint: &str) -> String {
    let mut digest = Sha256::new();
    digest.update(format!("{fingerprint} {settings:?} {}", args.scope));
    for example in examples.pictures.iter().filter(|e| e.part != Part::Other) {
        digest.update(&examples.captions[example.caption].text);
        example.latent.iter().for_each(|value| digest.update(value.to_le_bytes()));
    }
    cones_core::fingerprint::hex(&digest.finalize())
}

/// Beside the pack, hidden.
fn state_file(out: &Path) -> PathBuf {
    let name = out.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
    out.with_file_name(format!(".{name}.finding"))
}

fn write_pack(args: &FindArgs, trigger: &str, bundle: &Bundle, found: &Found) -> Result<(), Failure> {
    let stem = args.out.file_stem().map(|s| s.to_string_lossy().to_lowercase()).unwrap_or_default();
    let pack = Pack {
        metadata: Metadata {
            name: stem,
            version: 1,
            trigger: trigger.into(),
            class: args.class.clone(),
            scope: args.scope,
            author: String::new(),
            licence: String::new(),
            model: bundle.manifest().name.clone(),
            tool: concat!("cones ", env!("CARGO_PKG_VERSION")).into(),
            created: clock::now()?,
        },
        fingerprint: bundle.manifest().fingerprint.clone(),
        mask: found.mask.clone(),
        precision: Precision::Binary,
        preview: None,
        embeddings: None,
    };
    Ok(cones_core::atomic::write(&args.out, &pack.encode()?)?)
}

fn report(args: &FindArgs, found: &Found, seconds: Seconds) -> Result<(), Failure> {
    let mut out = std::io::stdout();
    if args.json {
        let (base, chosen) = (found.base, found.chosen.losses);
        let (neurons, share) = (found.chosen.neurons, found.chosen.share);
        let summary = Summary {
            pack: &args.out,
            neurons,
            share,
            base,
            chosen,
            curve: &found.curve,
            history: &found.history,
            seconds,
        };
        writeln!(out, "{}", serde_json::to_string_pretty(&summary)?)?;
        return Ok(());
    }
    let number = |loss: Option<f64>| loss.map_or("-".to_owned(), |loss| format!("{loss:.4}"));
    let mut line = |mark: &str, neurons: usize, share: f64, l: Losses| {
        let (class, other) = (number(l.class), number(l.other));
        writeln!(out, "{mark:1} {neurons:>9} {:>8.3} % {:>9.4} {class:>9} {other:>9}", 100.0 * share, l.subject)
    };
    line("", 0, 0.0, found.base)?;
    for point in &found.curve {
        let mark = if point.neurons == found.chosen.neurons { "*" } else { "" };
        line(mark, point.neurons, point.share, point.losses)?;
    }
    writeln!(out, "{}", args.out.display())?;
    Ok(())
}

/// Progress on standard error.
struct Bar(ProgressBar);

impl Bar {
    fn new(quiet: bool) -> Self {
        let bar = ProgressBar::new(0);
        bar.set_draw_target(if quiet { ProgressDrawTarget::hidden() } else { ProgressDrawTarget::stderr() });
        if let Ok(style) = ProgressStyle::with_template("{msg:32} [{bar:32}] {pos}/{len}, {eta} left") {
            bar.set_style(style.progress_chars("=> "));
        }
        Self(bar)
    }

    fn show(&self, message: String, done: usize, of: usize) {
        self.0.set_length(of as u64);
        self.0.set_message(message);
        self.0.set_position(done as u64);
    }

    fn clear(&self) {
        self.0.finish_and_clear();
    }
}

impl prepare::Watch for Bar {
    fn prepared(&mut self, what: &str, done: usize, of: usize) {
        self.show(format!("{what} pictures"), done, of);
    }
}

impl finder::Watch for Bar {
    fn step(&mut self, step: usize, steps: usize, loss: f64) {
        self.show(format!("finding, loss {loss:.4}"), step, steps);
    }

    fn measured(&mut self, done: usize, of: usize) {
        self.show("measuring masks".into(), done, of);
    }
}
