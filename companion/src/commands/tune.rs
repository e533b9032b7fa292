//! `cones tune`.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Instant;

use clap::Args;
use cones_core::pack::{Metadata, Precision, to_precision};
use cones_core::scheduler::Diffusion;
use cones_core::{Bundle, ConceptMask, Pack, Scope};
use serde::Serialize;
use sha2::{Digest, Sha256};

use super::engine_args::{EngineArgs, cancelled_by_ctrl_c};
use super::find::drawn;
use super::progress_bar::Count;
use super::room;
use crate::cli::{Failure, Usage};
use crate::clock;
use crate::find::batch::Mixture;
use crate::find::checkpoint::Checkpoint;
use crate::find::finder::{Finder, Problem, Schedule};
use crate::find::graph_objective::GraphObjective;
use crate::find::held_out::Losses;
use crate::find::joint::{self, Member};
use crate::find::method::Factors;
use crate::find::selection::Selection;
use crate::find::weights::Weights;
use crate::find::{examples::Examples, factors};
use crate::pack_file::PackFile;
use crate::pack_parts::{check_unitable, joined, tool};
use crate::precision::{self, PrecisionArg};

/// Arguments of `cones tune`.
#[derive(Debug, Args)]
#[command(after_help = "\
The neurons stay; a factor for each of them is trained on the pictures of each subject and on pictures made of two of them side
by side, with all packs switched on. Packs of scope `trigger` stay packs of their own, one file for each in the folder --out,
a version up. Packs of scope `prompt` are united first, into one pack.

Examples:
  cones tune --packs dog.cones robot.cones --images photos/dog photos/robot --out tuned
  cones generate --prompt 'a {dog} and a {robot} on grass' --subject tuned/dog.cones --subject tuned/robot.cones --out both.png
Stopped by Ctrl-C or a power cut, the same command goes on where it was.")]
pub struct TuneArgs {
    /// Pack files, or names of installed packs; two or more, of one scope.
    #[arg(long, required = true, num_args = 2.., value_name = "PACK")]
    packs: Vec<String>,
    /// For each pack, in the same order, the folder with the pictures it was found in.
    #[arg(long, required = true, num_args = 2.., value_name = "DIR")]
    images: Vec<PathBuf>,
    /// Folder for the tuned packs; made if need be.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Training steps.
    #[arg(long, default_value_t = 200, value_name = "N")]
    steps: usize,
    /// Pictures in one step.
    #[arg(long, default_value_t = 12, value_name = "N", value_parser = clap::value_parser!(u16).range(2..=512))]
    batch: u16,
    /// Learning rate of the factors.
    #[arg(long, default_value_t = factors::RATE)]
    rate: f64,
    /// How much the classes count against the subjects.
    #[arg(long, default_value_t = 1.0)]
    prior: f32,
    /// What the packs keep per neuron.
    #[arg(long, value_enum, default_value = "float16")]
    precision: PrecisionArg,
    /// Seed of everything random.
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Pictures of the classes, and as many of other things, that the model draws for itself.
    #[arg(long, default_value_t = 16, value_name = "N", value_parser = drawn)]
    drawn: usize,
    /// Noisy pictures of each part that packs are measured on.
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

#[derive(Serialize)]
struct Summary {
    packs: Vec<PathBuf>,
    precision: &'static str,
    base: Losses,
    before: Losses,
    after: Losses,
    history: Vec<f64>,
    seconds: f64,
    total_seconds: f64,
}

/// Tunes.
pub fn run(args: &TuneArgs) -> Result<(), Failure> {
    let start = Instant::now();
    if args.packs.len() != args.images.len() {
        let (packs, folders) = (args.packs.len(), args.images.len());
        return Err(Usage(format!("{packs} packs and {folders} folders of pictures; each pack needs its own")).into());
    }
    let bundle = args.engine.bundle()?;
    let packs = open(args, &bundle)?;
    let scope = scope(&packs)?;
    if scope == Scope::Prompt {
        check_unitable(&packs)?;
    }
    let schedule = args.schedule(scope);
    let graph = args.engine.gradient();
    let size = schedule.mixture.size();
    room::check(&bundle, size, &graph, false)?;
    std::fs::create_dir_all(&args.out).map_err(cones_core::Error::io("create", &args.out))?;
    let cancel = cancelled_by_ctrl_c()?;
    let mut bar = Count::new(args.quiet || args.json);
    // The engine goes before the derivative comes: its graphs would only take memory from it.
    let examples = {
        let members = members(args, &packs);
        let mut engine = args.engine.open()?;
        let mut examples = joint::prepare(&mut engine, &members, args.drawn, args.seed, &mut bar, &cancel)?;
        // Embeddings that a pack has learned stay as they are, also where the base weights are measured.
        joint::embed(&mut engine, &mut examples, &packs.iter().map(Pack::subject).collect::<Vec<_>>())?;
        examples
    };
    let masks = masks(&packs, scope, &bundle)?;
    let weights = Weights::read(bundle.attention());
    let base = weights.stacked(masks.len());
    let manifest = bundle.manifest();
    let diffusion = Diffusion::new(&manifest.noise_schedule, manifest.prediction_type)?;
    let mut objective = GraphObjective::new(&bundle, &examples, &weights, scope, size, graph)?;
    let problem = Problem { layers: &manifest.layers, base: &base, examples: &examples, diffusion: &diffusion };
    let mut finder = Finder { problem, objective: &mut objective, watch: &mut bar, cancel: &cancel };
    let mut method = Factors::new(&base, &masks, args.rate);
    let checkpoint = Checkpoint::new(args.out.join(".tuning"), args.key(&packs, &examples));
    let progress = finder.learn(&mut method, &schedule, Some(&checkpoint))?;
    let wanted = Precision::from(args.precision);
    let tuned = method.masks(&masks)?.iter().map(|mask| to_precision(mask, wanted)).collect::<Result<Vec<_>, _>>()?;
    let held_out = finder.held_out(args.held_out, &schedule)?;
    let mut measure = |masks: &[ConceptMask]| held_out.measure(finder.objective, &masked(&weights, masks), &cancel);
    let (untouched, before, after) = (measure(&[])?, measure(&masks)?, measure(&tuned)?);
    bar.clear();
    let files = write(args, &bundle, &packs, tuned, scope)?;
    checkpoint.remove();
    report(
        args,
        &Summary {
            packs: files,
            precision: precision::name(wanted),
            base: untouched,
            before,
            after,
            history: progress.history,
            seconds: progress.seconds,
            total_seconds: start.elapsed().as_secs_f64(),
        },
    )
}

impl TuneArgs {
    fn schedule(&self, scope: Scope) -> Schedule {
        Schedule {
            steps: self.steps,
            mixture: Mixture::of(usize::from(self.batch), scope, self.prior),
            seed: self.seed,
            selection: Selection::default(),
        }
    }

    /// What decides the run: with the same key an interrupted one goes on.
    fn key(&self, packs: &[Pack], examples: &Examples) -> String {
        let mut digest = Sha256::new();
        digest.update(format!("{} {} {} {} {}", self.steps, self.batch, self.rate, self.prior, self.seed));
        for pack in packs {
            digest.update(format!("{} {:?} {}", pack.fingerprint, pack.metadata, pack.mask.count()));
            let learned = pack.embeddings.iter().flat_map(|learned| &learned.values);
            learned.for_each(|value| digest.update(value.to_le_bytes()));
        }
        for example in &examples.pictures {
            example.latent.iter().for_each(|value| digest.update(value.to_le_bytes()));
        }
        cones_core::fingerprint::hex(&digest.finalize())
    }
}

fn open(args: &TuneArgs, bundle: &Bundle) -> Result<Vec<Pack>, Failure> {
    let manifest = bundle.manifest();
    let mut packs: Vec<Pack> = Vec::new();
    for named in &args.packs {
        let pack = PackFile::find(named, args.engine.store(), Some(&manifest.fingerprint))?.decode(manifest)?;
        if let Some(twin) = packs.iter().find(|known| known.metadata.trigger == pack.metadata.trigger) {
            let names = (&twin.metadata.name, &pack.metadata.name, &pack.metadata.trigger);
            let reason = format!("`{}` and `{}` have the same trigger `{}`", names.0, names.1, names.2);
            return Err(
                format!("{reason}\nhint: a prompt could not tell them apart; find one of them with another").into()
            );
        }
        packs.push(pack);
    }
    Ok(packs)
}

/// The scope that all of them have.
fn scope(packs: &[Pack]) -> Result<Scope, Failure> {
    let scope = packs.first().map(|pack| pack.metadata.scope).unwrap_or_default();
    match packs.iter().find(|pack| pack.metadata.scope != scope) {
        None => Ok(scope),
        Some(other) => Err(format!(
            "the packs have different scopes: `{}` changes the rows of its trigger or of the whole prompt, and the others do not\n\
             hint: tune packs of one scope together",
            other.metadata.name
        )
        .into()),
    }
}

fn members<'a>(args: &'a TuneArgs, packs: &'a [Pack]) -> Vec<Member<'a>> {
    let member = |(pack, folder): (&'a Pack, &'a PathBuf)| Member {
        folder,
        class: &pack.metadata.class,
        trigger: &pack.metadata.trigger,
    };
    packs.iter().zip(&args.images).map(member).collect()
}

/// One mask for each pack, or their union.
fn masks(packs: &[Pack], scope: Scope, bundle: &Bundle) -> Result<Vec<ConceptMask>, Failure> {
    if scope == Scope::Trigger {
        return Ok(packs.iter().map(|pack| pack.mask.clone()).collect());
    }
    let mut united = ConceptMask::empty(&bundle.manifest().layers);
    for pack in packs {
        united.unite(&pack.mask)?;
    }
    Ok(vec![united])
}

/// The weights of each subject with its mask; without masks, the base weights for whatever subject.
fn masked(weights: &Weights, masks: &[ConceptMask]) -> Weights {
    let layers = masks.iter().flat_map(|mask| weights.masked(mask).layers).collect::<Vec<_>>();
    if layers.is_empty() { weights.clone() } else { Weights { layers } }
}

fn write(
    args: &TuneArgs,
    bundle: &Bundle,
    packs: &[Pack],
    tuned: Vec<ConceptMask>,
    scope: Scope,
) -> Result<Vec<PathBuf>, Failure> {
    let created = clock::now()?;
    let united = || {
        let names: Vec<&str> = packs.iter().map(|pack| pack.metadata.name.as_str()).collect();
        joined(packs, Path::new(&format!("{}.cones", names.join("-"))))
    };
    let metadata: Vec<Metadata> = match scope {
        Scope::Trigger => packs.iter().map(|pack| pack.metadata.clone()).collect(),
        Scope::Prompt => vec![united()],
    };
    let mut files = Vec::new();
    // Packs that are united have none.
    let learned = packs.iter().map(|pack| pack.embeddings.clone());
    for ((metadata, mask), embeddings) in metadata.into_iter().zip(tuned).zip(learned) {
        let version = metadata.version.saturating_add(1);
        let metadata = Metadata { version, created, tool: tool(), ..metadata };
        let file = args.out.join(format!("{}.cones", metadata.name));
        let fingerprint = bundle.manifest().fingerprint.clone();
        let precision = Precision::from(args.precision);
        let pack = Pack { metadata, fingerprint, mask, precision, preview: None, embeddings };
        cones_core::atomic::write(&file, &pack.encode()?)?;
        files.push(file);
    }
    Ok(files)
}

fn report(args: &TuneArgs, summary: &Summary) -> Result<(), Failure> {
    let mut out = std::io::stdout();
    if args.json {
        writeln!(out, "{}", serde_json::to_string_pretty(summary)?)?;
        return Ok(());
    }
    writeln!(out, "{:8} {:>9} {:>9} {:>9}", "", "subjects", "classes", "others")?;
    let number = |loss: Option<f64>| loss.map_or("-".to_owned(), |loss| format!("{loss:.4}"));
    for (name, l) in [("base", summary.base), ("before", summary.before), ("after", summary.after)] {
        writeln!(out, "{name:8} {:>9.4} {:>9} {:>9}", l.subject, number(l.class), number(l.other))?;
    }
    for file in &summary.packs {
        writeln!(out, "{}", file.display())?;
    }
    Ok(())
}
