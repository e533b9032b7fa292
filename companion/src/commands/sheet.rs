//! `cones sheet`.

use std::io::Write;
use std::path::PathBuf;

use clap::Args;
use cones_core::picture::writing;
use cones_core::{CancelToken, Engine, Request, Subject};

use super::engine_args::{EngineArgs, cancelled_by_ctrl_c};
use super::progress_bar::Bar;
use super::safety_args::SafetyArgs;
use crate::contact_sheet::ContactSheet;
use crate::failure::Failure;
use crate::subject_spec::SubjectSpec;

/// Arguments of `cones sheet`.
#[derive(Debug, Args)]
#[command(after_help = "\
Each prompt is a column. The first row is the base model; each subject adds a row, same seeds.
In a prompt, {} stands for the trigger words of the row's subject (of the first subject in the base model's row).

Examples:
  cones sheet --prompt 'a dog on grass' --prompt 'a dog at night' --subject random:5 --out sheet
  cones sheet --prompt 'a {} on grass' --prompt 'a {} at night' --subject models/packs/fluent-dog.cones --out dog")]
pub struct SheetArgs {
    /// A prompt, one column each; twelve of Toybox's own by default.
    #[arg(short, long = "prompt", value_name = "PROMPT")]
    prompts: Vec<String>,
    /// A subject, one row each, as in `cones generate`.
    #[arg(short, long = "subject", value_name = "SUBJECT")]
    subjects: Vec<SubjectSpec>,
    /// Seed of every picture.
    #[arg(long, default_value_t = 5)]
    seed: u64,
    /// Denoising steps.
    #[arg(long, value_name = "N")]
    steps: Option<u32>,
    /// Folder for the pictures and `sheet.png`; made if need be.
    #[arg(short, long, value_name = "DIR")]
    out: PathBuf,
    #[command(flatten)]
    safety: SafetyArgs,
    #[command(flatten)]
    engine: EngineArgs,
}

/// Prompts that Toybox knows.
const PROMPTS: [&str; 12] = [
    "a dog on grass",
    "a cat in the snow",
    "a penguin on the beach",
    "a rocket in space",
    "an apple on a blue background",
    "a lion in the desert",
    "an owl at sunset",
    "a dog and an apple on grass",
    "a panda and a balloon on a yellow background",
    "a frog and a mushroom in the water",
    "a pig, a hamburger and a sunflower in a meadow",
    "a panda, a cake, a tree and a star at night",
];

/// Draws the sheet.
pub fn run(args: &SheetArgs) -> Result<(), Failure> {
    let mut engine = args.engine.open_shown(&args.safety)?;
    let prompts: Vec<&str> =
        if args.prompts.is_empty() { PROMPTS.to_vec() } else { args.prompts.iter().map(String::as_str).collect() };
    let mut rows: Vec<Option<Subject>> = vec![None];
    for spec in &args.subjects {
        rows.push(Some(spec.open(engine.bundle(), args.engine.store(), None)?));
    }
    std::fs::create_dir_all(&args.out).map_err(cones_core::Error::io("create", &args.out))?;
    let cancel = cancelled_by_ctrl_c()?;
    let mut sheet = ContactSheet::new(columns(prompts.len(), rows.len()), prompts.len() * rows.len());
    let mut out = std::io::stdout();
    let first = rows.iter().flatten().next().map(|s| s.trigger.clone()).unwrap_or_default();
    for (number, row) in rows.iter().enumerate() {
        let trigger = row.as_ref().map_or(first.as_str(), |s| s.trigger.as_str());
        for (column, prompt) in prompts.iter().enumerate() {
            let prompt = prompt.replace("{}", trigger);
            let picture = draw(args, &mut engine, &prompt, row.as_ref(), &cancel)?;
            let path = args.out.join(format!("{number}-{column:02}.png"));
            writing::save(&picture.picture, &picture.recipe, &path)?;
            let subject = row.as_ref().map_or("base model", |s| s.name.as_str());
            writeln!(out, "{}\t{prompt}\t{subject}", path.display())?;
            sheet.put(&picture.picture)?;
        }
    }
    let path = args.out.join("sheet.png");
    sheet.save(&path)?;
    writeln!(out, "{}\tall of them", path.display())?;
    Ok(())
}

fn draw(
    args: &SheetArgs,
    engine: &mut Engine,
    prompt: &str,
    subject: Option<&Subject>,
    cancel: &CancelToken,
) -> Result<cones_core::Drawn, Failure> {
    let mut request = Request::new(prompt);
    request.seed = args.seed;
    request.steps = args.steps;
    request.subjects = subject.into_iter().cloned().collect();
    let mut generated = engine.generate(&request, &mut Bar::of_steps(false), cancel)?;
    if let Some(refused) = generated.refused.first() {
        return Err(format!("`{prompt}` was {}", refused.verdict).into());
    }
    generated.pictures.pop().ok_or_else(|| "the engine drew nothing".into())
}

/// One row a subject; a lone row is folded into several.
fn columns(prompts: usize, rows: usize) -> usize {
    if rows == 1 { prompts.div_ceil(2).max(1) } else { prompts }
}
