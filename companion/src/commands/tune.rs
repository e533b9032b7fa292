//! `cones tune`.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Instant;

use clap::Args;
use cones_core::subjects::pack::{Metadata, Precision};
use cones_core::{Bundle, ConceptMask, Pack, Scope};
use cones_find::held_out::Losses;
use cones_find::{TuneOptions, tune};
use serde::Serialize;

use super::engine_args::{EngineArgs, cancelled_by_ctrl_c};
use super::find::{ProjectionArg, drawn};
use super::progress_bar::Bar;
use crate::clock;
use crate::failure::Failure;
use crate::pack_file::PackFile;
use crate::pack_parts::{joined, tool};
use crate::precision_arg::PrecisionArg;
use crate::ranges;

/// Arguments of `cones tune`.
#[derive(Debug, Args)]
#[command(after_help = "\
Neurons are found anew, from the packs' on, in the pictures of each subject and in pictures made of two of them side by side, with all \
packs switched on. With another --precision the neurons stay, and a factor for each of them is trained. Packs of scope \
`trigger` stay packs of their own, one file for each in the folder --out, \
a version up. Packs of scope `prompt` are united first, into one pack.

Examples:
  cones tune --packs dog.cones robot.cones --images photos/dog photos/robot --out tuned
  cones tune --packs dog.cones robot.cones --images photos/dog photos/robot --precision float16 --out tuned
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
    #[arg(short, long, value_name = "DIR")]
    out: PathBuf,
    /// Training steps.
    #[arg(long, default_value_t = 200, value_name = "N", value_parser = ranges::steps)]
    steps: usize,
    /// Pictures in one step.
    #[arg(long, default_value_t = 12, value_name = "N", value_parser = clap::value_parser!(u16).range(2..=512))]
    batch: u16,
    /// Learning rate: of the neurons' logits, 0.2 by default; of factors 0.02.
    #[arg(long, value_parser = ranges::rate)]
    rate: Option<f64>,
    /// How much the classes count against the subjects.
    #[arg(long, default_value_t = 1.0, value_parser = ranges::weight)]
    prior: f32,
    /// What the packs keep per neuron: binary finds other neurons, the others train a factor for each.
    #[arg(long, value_enum, default_value = "binary")]
    precision: PrecisionArg,
    /// Among what neurons, or their factors, may change.
    #[arg(long, value_enum, default_value = "both")]
    only: ProjectionArg,
    /// Seed of everything random.
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Pictures of the classes, and as many of other things, that the model draws for itself.
    #[arg(long, default_value_t = 16, value_name = "N", value_parser = drawn)]
    drawn: usize,
    /// Noisy pictures of each part that packs are measured on.
    #[arg(long, default_value_t = 48, value_name = "N", value_parser = ranges::measured)]
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
        return Err(Failure::Usage(format!(
            "{packs} packs and {folders} folders of pictures; each pack needs its own"
        )));
    }
    let bundle = args.engine.bundle()?;
    let packs = open(args, &bundle)?;
    let cancel = cancelled_by_ctrl_c()?;
    let mut bar = Bar::of_counts(args.quiet || args.json);
    let tuned = tune(&bundle, &packs, &args.options(&bundle)?, &mut bar, &cancel)?;
    bar.clear();
    let files = write(args, &bundle, &packs, &tuned.masks, tuned.scope)?;
    tuned.remove_interim();
    let precision = Precision::from(args.precision).name();
    let total_seconds = start.elapsed().as_secs_f64();
    let (base, before, after) = (tuned.base, tuned.before, tuned.after);
    let (history, seconds) = (tuned.history, tuned.seconds);
    report(args, &Summary { packs: files, precision, base, before, after, history, seconds, total_seconds })
}

impl TuneArgs {
    /// What was typed, as tuning takes it.
    fn options(&self, bundle: &Bundle) -> Result<TuneOptions, Failure> {
        let mut options = TuneOptions::new(self.images.clone(), self.out.join(".tuning"));
        options.steps = self.steps;
        options.batch = self.batch;
        options.rate = self.rate;
        options.prior = self.prior;
        options.precision = self.precision.into();
        options.selection.only = self.only.only();
        options.seed = self.seed;
        options.drawn = self.drawn;
        options.held_out = self.held_out;
        options.engine = self.engine.options();
        options.gradient = self.engine.gradient(bundle)?;
        Ok(options)
    }
}

fn open(args: &TuneArgs, bundle: &Bundle) -> Result<Vec<Pack>, Failure> {
    let manifest = bundle.manifest();
    let open =
        |named: &String| PackFile::find(named, args.engine.store(), Some(manifest.fingerprint))?.decode(manifest);
    args.packs.iter().map(open).collect()
}

fn write(
    args: &TuneArgs,
    bundle: &Bundle,
    packs: &[Pack],
    tuned: &[ConceptMask],
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
        let mut metadata = metadata;
        metadata.version = metadata.version.saturating_add(1);
        metadata.created = created;
        metadata.tool = tool();
        let file = args.out.join(format!("{}.cones", metadata.name));
        let fingerprint = bundle.manifest().fingerprint;
        let precision = Precision::from(args.precision);
        let mut pack = Pack::new(metadata, fingerprint, mask.clone(), precision);
        pack.embeddings = embeddings;
        cones_core::disk::atomic::write(&file, &pack.encode()?)?;
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
