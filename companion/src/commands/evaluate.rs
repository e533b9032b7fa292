//! `cones evaluate`.

use std::io::Write;
use std::path::{Path, PathBuf};

use clap::Args;
use cones_core::picture::recipe;
use cones_core::{CancelToken, Engine, Picture, Request, Subject};
use cones_find::prompts::replace_words;
use serde::Serialize;

use super::engine_args::{EngineArgs, cancelled_by_ctrl_c};
use super::progress_bar::Bar;
use crate::evaluate::measure::Measure;
use crate::evaluate::score::Score;
use crate::failure::Failure;
use crate::pack_file::PackFile;

/// Arguments of `cones evaluate`.
#[derive(Debug, Args)]
#[command(after_help = "\
Draws each prompt with the packs and with the base model, and judges the pictures by two networks that never saw the subject:
is the nearest known instance of the class the subject (recognised), does the picture show the things and the context that
the prompt names. A pack is taken for the instance it is named after: `fluent-dog` of the class dog.

A prompt file has one prompt a line. {} stands for the pack's trigger, {NAME} for that of the pack of that name; for the base
model they stand for the class word. Empty lines and lines that start with # are skipped.

Examples:
  cones evaluate --packs models/packs/fluent-dog.cones models/packs/fluent-robot.cones
  cones evaluate --packs fluent-dog fluent-cat --together --count 4 --out drawn
  cones evaluate --packs fluent-dog --prompts prompts.txt --json")]
pub struct EvaluateArgs {
    /// Pack files, or names of installed packs.
    #[arg(long, required = true, num_args = 1.., value_name = "PACK")]
    packs: Vec<String>,
    /// All packs at once in each picture, instead of one after another.
    #[arg(long)]
    together: bool,
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

/// One row: what was drawn with and without the packs.
#[derive(Debug, Serialize)]
struct Row {
    packs: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    base: Option<Score>,
    with: Score,
}

/// A pack with its class.
struct Evaluated {
    subject: Subject,
    class: String,
    /// The instance of the class that it should be.
    instance: String,
}

/// Draws and judges.
pub fn run(args: &EvaluateArgs) -> Result<(), Failure> {
    let mut measure = Measure::open(&args.measure, args.engine.threads)?;
    let mut engine = args.engine.open()?;
    let packs = open(args, &engine, &measure)?;
    let cancel = cancelled_by_ctrl_c()?;
    let sets: Vec<&[Evaluated]> = if args.together { vec![&packs] } else { packs.chunks(1).collect() };
    let lines = args.prompts.as_deref().map(read_lines).transpose()?;
    let (mut rows, bar) = (Vec::new(), Bar::of_counts(args.quiet || args.json));
    let drawings = if args.no_base { 1 } else { 2 };
    for (i, set) in sets.iter().enumerate() {
        let lines = lines.clone().unwrap_or_else(|| every_context(&measure, set));
        let mut score = |with: bool| -> Result<Score, Failure> {
            bar.show(drawings * i + usize::from(with && !args.no_base), drawings * sets.len(), "evaluating");
            let drawn = draw(args, &mut engine, &lines, set, with, &cancel)?;
            let prompts: Vec<String> = lines.iter().map(|line| filled(line, set, false)).collect();
            let scenes: Vec<_> =
                prompts.iter().flat_map(|p| vec![measure.labels.scene(p); args.count as usize]).collect();
            let classes: Vec<&str> = set.iter().map(|pack| pack.class.as_str()).collect();
            let instances: Vec<String> = set.iter().map(|pack| pack.instance.clone()).collect();
            Ok(Score::new(&measure.judge(&drawn, &scenes, &classes, &cancel)?, &instances))
        };
        let base = if args.no_base { None } else { Some(score(false)?) };
        let with = score(true)?;
        rows.push(Row { packs: set.iter().map(|pack| pack.subject.name.clone()).collect(), base, with });
    }
    bar.clear();
    report(args, &rows)
}

fn open(args: &EvaluateArgs, engine: &Engine, measure: &Measure) -> Result<Vec<Evaluated>, Failure> {
    let manifest = engine.bundle().manifest();
    let mut packs = Vec::new();
    for named in &args.packs {
        let file = PackFile::find(named, args.engine.store(), Some(manifest.fingerprint))?;
        let class = file.decode(manifest)?.metadata.class;
        let mut subject = file.subject(manifest)?;
        subject.strength = args.strength;
        let instance = measure.instances.find(&class, &subject.name)?;
        packs.push(Evaluated { subject, class, instance });
    }
    Ok(packs)
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
    let named: Vec<String> = set.iter().map(|pack| format!("a {{{}}}", pack.subject.name)).collect();
    let subjects = named.join(" and ");
    measure.labels.contexts.iter().map(|(_, phrase)| format!("{subjects} {phrase}")).collect()
}

/// A prompt with the triggers, or with the class words, in place.
fn filled(line: &str, set: &[Evaluated], with: bool) -> String {
    let words = |pack: &Evaluated| if with { pack.subject.trigger.clone() } else { pack.class.clone() };
    let mut line = line.to_owned();
    for pack in set {
        for place in [format!("{{{}}}", pack.subject.name), "{}".to_owned()] {
            // The first time with its article.
            line = replace_words(&line, &place, &words(pack)).unwrap_or(line).replace(&place, &words(pack));
        }
    }
    line
}

/// All pictures of all prompts, by prompt and then by seed.
fn draw(
    args: &EvaluateArgs,
    engine: &mut Engine,
    lines: &[String],
    set: &[Evaluated],
    with: bool,
    cancel: &CancelToken,
) -> Result<Vec<Picture>, Failure> {
    let mut pictures = Vec::new();
    for line in lines {
        let mut request = Request::new(filled(line, set, with));
        request.seed = args.seed;
        request.count = args.count;
        request.steps = args.steps;
        if with {
            request.subjects = set.iter().map(|pack| pack.subject.clone()).collect();
        }
        for drawn in engine.generate(&request, &mut (), cancel)?.pictures {
            if let Some(folder) = &args.out {
                save(folder, set, with, pictures.len(), &drawn)?;
            }
            pictures.push(drawn.picture);
        }
    }
    Ok(pictures)
}

fn save(folder: &Path, set: &[Evaluated], with: bool, i: usize, drawn: &cones_core::Drawn) -> Result<(), Failure> {
    let names: Vec<&str> = set.iter().map(|pack| pack.subject.name.as_str()).collect();
    let folder = folder.join(names.join("+")).join(if with { "packs" } else { "base" });
    std::fs::create_dir_all(&folder).map_err(cones_core::Error::io("create", &folder))?;
    Ok(recipe::save(&drawn.picture, &drawn.recipe, &folder.join(format!("{i:03}.png")))?)
}

fn report(args: &EvaluateArgs, rows: &[Row]) -> Result<(), Failure> {
    let mut out = std::io::stdout();
    if args.json {
        writeln!(out, "{}", serde_json::to_string_pretty(rows)?)?;
        return Ok(());
    }
    let percent = |share: Option<f64>| share.map_or("-".to_owned(), |share| format!("{:.1} %", 100.0 * share));
    writeln!(
        out,
        "{:32} {:6} {:>8} {:>10} {:>10} {:>8} {:>8}",
        "", "", "pictures", "recognised", "all of it", "things", "context"
    )?;
    let mut line = |name: &str, what: &str, s: &Score| {
        let (each, all) = (percent(Some(s.each)), percent(Some(s.all)));
        let (objects, context) = (percent(s.objects), percent(s.context));
        writeln!(out, "{name:32} {what:6} {:>8} {each:>10} {all:>10} {objects:>8} {context:>8}", s.pictures)
    };
    for row in rows {
        let name = row.packs.join(" + ");
        if let Some(base) = &row.base {
            line(&name, "base", base)?;
        }
        line(&name, "packs", &row.with)?;
    }
    if rows.len() > 1 {
        let base: Vec<Score> = rows.iter().filter_map(|row| row.base).collect();
        if !base.is_empty() {
            line("all", "base", &Score::mean(&base))?;
        }
        line("all", "packs", &Score::mean(&rows.iter().map(|row| row.with).collect::<Vec<_>>()))?;
    }
    Ok(())
}
