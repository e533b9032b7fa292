//! `cones evaluate`.

use std::io::Write;
use std::path::{Path, PathBuf};

use clap::Args;
use cones_core::picture::writing;
use cones_core::{CancelToken, Drawn, Engine, Picture};
use cones_find::drawing::{Drawing, Shown, request};
use cones_find::pictures;
use cones_find::record::Record;
use serde::Serialize;

use super::engine_args::{EngineArgs, cancelled_by_ctrl_c};
use super::progress_bar::Bar;
use crate::evaluate::measure::Measure;
use crate::evaluate::score::Score;
use crate::evaluate::table;
use crate::evaluate::wanted::{Marks, Wanted};
use crate::failure::Failure;
use crate::pack_file::PackFile;

/// Arguments of `cones evaluate`.
#[derive(Debug, Args)]
#[command(after_help = "\
Draws each prompt with the packs and with the base model, and judges the pictures by two networks that never saw the subject.
recognised: among the subject, other drawings of its class and recoloured ones of itself the subject is nearest.
alike: the cosine with the nearest picture of the subject; `others` and `real` below it say what other drawings and real \
pictures of the subject come to. things, context: the picture shows what the prompt names.

What the subject looks like is taken from --images, else from what `cones find` kept beside the pack (FILE.finding.json), else \
from the instance that the pack is named after: `fluent-dog` of the class dog.

A prompt file has one prompt a line. {} stands for the pack's trigger, {NAME} for that of the pack of that name; for the base \
model they stand for the class word. Empty lines and lines that start with # are skipped.

Examples:
  cones evaluate --packs models/packs/fluent-dog.cones models/packs/fluent-robot.cones
  cones evaluate --packs fluent-dog fluent-cat --together --count 4 --out drawn
  cones evaluate --packs fluent-dog fluent-cat --together --apart
  cones evaluate --packs rex.cones --images photos
  cones evaluate --packs fluent-dog --prompts prompts.txt --json")]
pub struct EvaluateArgs {
    /// Pack files, or names of installed packs.
    #[arg(long, required = true, num_args = 1.., value_name = "PACK")]
    packs: Vec<String>,
    /// Folders with pictures of the subjects, one for each pack.
    #[arg(long, visible_alias = "subject-images", num_args = 1.., value_name = "DIR")]
    images: Vec<PathBuf>,
    /// All packs at once in each picture, instead of one after another.
    #[arg(long)]
    together: bool,
    /// Each of them in a part of the picture of its own, as `cones generate --apart` draws them; the base model's things too.
    #[arg(long, requires = "together")]
    apart: bool,
    /// One prompt a line; by default the subject, or all of them, in every context that the measure knows.
    #[arg(long, value_name = "FILE")]
    prompts: Option<PathBuf>,
    /// How strongly the packs apply, 0 to 1.
    #[arg(long, default_value_t = 1.0)]
    strength: f32,
    /// Pictures of each prompt, with one seed each.
    #[arg(long, default_value_t = 2, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1000))]
    count: u32,
    /// Seed of the first picture of each prompt.
    #[arg(long, default_value_t = 1000)]
    seed: u64,
    /// Denoising steps.
    #[arg(long, value_name = "N")]
    steps: Option<u32>,
    /// The folder with the networks.
    #[arg(long, default_value = "models/toybox/measure", value_name = "DIR")]
    measure: PathBuf,
    /// Leave the base model out.
    #[arg(long)]
    no_base: bool,
    /// Keep the pictures here.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Print figures as JSON instead of a table.
    #[arg(long)]
    json: bool,
    /// No progress bar.
    #[arg(short, long)]
    quiet: bool,
    #[command(flatten)]
    engine: EngineArgs,
}

/// One row: what was drawn with and without the packs, and what likeness is to be read between, for each pack.
#[derive(Debug, Serialize)]
struct Row {
    packs: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    base: Option<Score>,
    with: Score,
    marks: Vec<Marks>,
}

/// A pack with what its subject looks like.
struct Evaluated {
    shown: Shown,
    wanted: Wanted,
}

/// Draws and judges.
pub fn run(args: &EvaluateArgs) -> Result<(), Failure> {
    if !args.images.is_empty() && args.images.len() != args.packs.len() {
        let (packs, images) = (args.packs.len(), args.images.len());
        return Err(format!("{packs} packs and {images} folders of pictures: give one folder for each pack").into());
    }
    let mut measure = Measure::open(&args.measure, args.engine.threads)?;
    let mut engine = args.engine.open()?;
    let cancel = cancelled_by_ctrl_c()?;
    let packs = open(args, &engine, &mut measure, &cancel)?;
    let sets: Vec<&[Evaluated]> = if args.together { vec![&packs] } else { packs.chunks(1).collect() };
    let lines = args.prompts.as_deref().map(read_lines).transpose()?;
    let (mut rows, bar) = (Vec::new(), Bar::of_counts(args.quiet || args.json));
    let drawings = if args.no_base { 1 } else { 2 };
    let (seed, count, steps) = (args.seed, args.count, args.steps);
    let mut drawing = Drawing { engine: &mut engine, seed, count, steps, apart: args.apart, cancel: &cancel };
    for (i, set) in sets.iter().enumerate() {
        let lines = lines.clone().unwrap_or_else(|| every_context(&measure, set));
        let shown: Vec<&Shown> = set.iter().map(|pack| &pack.shown).collect();
        let wanted: Vec<&Wanted> = set.iter().map(|pack| &pack.wanted).collect();
        let mut score = |with: bool| -> Result<Score, Failure> {
            bar.show(drawings * i + usize::from(with && !args.no_base), drawings * sets.len(), "evaluating");
            let drawn = drawing.draw(&lines, &shown, with)?;
            if let Some(folder) = &args.out {
                save(folder, &shown, with, &drawn)?;
            }
            judge(&mut measure, &lines, &drawn, &shown, &wanted, &cancel)
        };
        let base = if args.no_base { None } else { Some(score(false)?) };
        let with = score(true)?;
        let marks = wanted.iter().map(|wanted| wanted.marks()).collect();
        rows.push(Row { packs: shown.iter().map(|pack| pack.subject.name.clone()).collect(), base, with, marks });
    }
    bar.clear();
    report(args, &rows)
}

/// The score of pictures that were drawn of some lines, as many of each.
pub(super) fn judge(
    measure: &mut Measure,
    lines: &[String],
    drawn: &[Drawn],
    shown: &[&Shown],
    wanted: &[&Wanted],
    cancel: &CancelToken,
) -> Result<Score, Failure> {
    let each = drawn.len() / lines.len().max(1);
    let mut scenes = Vec::new();
    for line in lines {
        let scene = measure.labels.scene(&request(line, shown, false)?.prompt);
        scenes.extend(std::iter::repeat_n(scene, each));
    }
    let pictures: Vec<Picture> = drawn.iter().map(|drawn| drawn.picture.clone()).collect();
    let names: Vec<&str> = wanted.iter().map(|wanted| wanted.name.as_str()).collect();
    Ok(Score::new(&measure.judge(&pictures, &scenes, wanted, cancel)?, &names))
}

fn open(
    args: &EvaluateArgs,
    engine: &Engine,
    measure: &mut Measure,
    cancel: &CancelToken,
) -> Result<Vec<Evaluated>, Failure> {
    let manifest = engine.bundle().manifest();
    let mut packs = Vec::new();
    for (i, named) in args.packs.iter().enumerate() {
        let file = PackFile::find(named, args.engine.store(), Some(manifest.fingerprint))?;
        let class = file.decode(manifest)?.metadata.class;
        let mut subject = file.subject(manifest)?;
        subject.strength = args.strength;
        let record = Record::read(&file.path)?;
        let looks = match args.images.get(i) {
            Some(folder) => {
                let held_back = record.as_ref().map(|record| record.held_back.as_slice()).unwrap_or_default();
                let (own, held_back) = split(folder, held_back, manifest.image.width, manifest.image.height)?;
                Some(measure.looks(&own, &held_back, cancel)?)
            }
            None => record.and_then(|record| record.looks).filter(|looks| measure.saw(looks)),
        };
        let wanted = match looks {
            Some(looks) => {
                let same = measure.instances.named(&class, &subject.name);
                Wanted::own(&looks, &subject.name, &class, &measure.instances, same)
            }
            None => Wanted::known(&measure.instances, &class, &measure.instances.find(&class, &subject.name)?),
        };
        packs.push(Evaluated { shown: Shown { subject, class }, wanted });
    }
    Ok(packs)
}

/// The pictures of a folder, those apart that a finding held back.
fn split(
    folder: &Path,
    held_back: &[String],
    width: u32,
    height: u32,
) -> Result<(Vec<Picture>, Vec<Picture>), Failure> {
    let (mut own, mut apart) = (Vec::new(), Vec::new());
    for file in pictures::list(folder)? {
        let name = file.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let picture = pictures::open_as(&file, width, height)?;
        if held_back.contains(&name) { apart.push(picture) } else { own.push(picture) }
    }
    // Held back or not, they are what there is.
    if own.is_empty() {
        std::mem::swap(&mut own, &mut apart);
    }
    Ok((own, apart))
}

fn read_lines(path: &Path) -> Result<Vec<String>, Failure> {
    let text = std::fs::read_to_string(path).map_err(cones_core::Error::io("read", path))?;
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    let lines: Vec<String> = lines.map(str::to_owned).collect();
    if lines.is_empty() {
        return Err(format!("`{}` holds no prompt", path.display()).into());
    }
    Ok(lines)
}

/// The subjects in every context.
fn every_context(measure: &Measure, set: &[Evaluated]) -> Vec<String> {
    let named: Vec<String> = set.iter().map(|pack| format!("a {{{}}}", pack.shown.subject.name)).collect();
    let subjects = named.join(" and ");
    measure.labels.contexts.iter().map(|(_, phrase)| format!("{subjects} {phrase}")).collect()
}

fn save(folder: &Path, set: &[&Shown], with: bool, drawn: &[Drawn]) -> Result<(), Failure> {
    let names: Vec<&str> = set.iter().map(|pack| pack.subject.name.as_str()).collect();
    let folder = folder.join(names.join("+")).join(if with { "packs" } else { "base" });
    std::fs::create_dir_all(&folder).map_err(cones_core::Error::io("create", &folder))?;
    for (i, drawn) in drawn.iter().enumerate() {
        writing::save(&drawn.picture, &drawn.recipe, &folder.join(format!("{i:03}.png")))?;
    }
    Ok(())
}

fn report(args: &EvaluateArgs, rows: &[Row]) -> Result<(), Failure> {
    let mut out = std::io::stdout();
    if args.json {
        writeln!(out, "{}", serde_json::to_string_pretty(rows)?)?;
        return Ok(());
    }
    table::head(&mut out)?;
    for row in rows {
        let name = row.packs.join(" + ");
        if let Some(base) = &row.base {
            table::line(&mut out, &name, "base", base)?;
        }
        table::line(&mut out, &name, "packs", &row.with)?;
        table::marks(&mut out, &name, &Marks::mean(&row.marks))?;
    }
    if rows.len() > 1 {
        let base: Vec<Score> = rows.iter().filter_map(|row| row.base).collect();
        if !base.is_empty() {
            table::line(&mut out, "all", "base", &Score::mean(&base))?;
        }
        table::line(&mut out, "all", "packs", &Score::mean(&rows.iter().map(|row| row.with).collect::<Vec<_>>()))?;
        let marks: Vec<Marks> = rows.iter().flat_map(|row| &row.marks).copied().collect();
        table::marks(&mut out, "all", &Marks::mean(&marks))?;
    }
    Ok(())
}
