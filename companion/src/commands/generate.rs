//! `cones generate`.

use std::io::Write;
use std::path::{Path, PathBuf};

use clap::Args;
use cones_core::picture::recipe::Recipe;
use cones_core::sampling::scheduler::Scheduler;
use cones_core::subjects::places::Places;
use cones_core::subjects::prompt::{self, Filled};
use cones_core::{Bundle, Generated, Init, Picture, Request, Scope, Subject};
use serde::Serialize;

use super::engine_args::{EngineArgs, cancelled_by_ctrl_c};
use super::picture_writer::Writer;
use super::progress_bar::Bar;
use super::seed::Seed;
use crate::failure::Failure;
use crate::recipe_subjects;
use crate::subject_spec::SubjectSpec;

/// Arguments of `cones generate`.
#[derive(Debug, Args)]
#[command(after_help = "\
A subject is an installed pack by its NAME, a FILE.cones, a mask as FILE.safetensors, or random:SHARE[:SEED]. :STRENGTH
behind it (@STRENGTH does as well) is 0 (off) to 1 (as the pack says, the default). In prompts {NAME} stands for the trigger
words of the subject of that name; {{ and }} stand for braces. NAME=FILE gives a subject another name in this request.

Examples:
  cones generate --prompt 'a dog and an apple on grass' --seed 5 --out dog.png
  cones generate --prompt 'a {fluent-dog} on grass' --subject fluent-dog --seed 7 --out rex.png
  cones generate --prompt 'a {fluent-dog} on the beach' --subject models/packs/fluent-dog.cones:0.9 --seed 2 --out beach.png
  cones generate --prompt 'a cat in the snow' --count 4 --scheduler dpm++2m --steps 12 --out pictures
  cones generate --from dog.png --out again.png")]
pub struct GenerateArgs {
    /// What to draw; {NAME} stands for a subject.
    #[arg(long, required_unless_present = "from")]
    prompt: Option<String>,
    /// What to stay away from.
    #[arg(long)]
    negative_prompt: Option<String>,
    /// A subject to switch on; may be given several times.
    #[arg(long = "subject", value_name = "[NAME=]NAME|FILE[:STRENGTH]")]
    subjects: Vec<SubjectSpec>,
    /// Which rows of K and V the subjects change: prompt or trigger; by default what each subject says.
    #[arg(long)]
    scope: Option<Scope>,
    /// Denoising steps.
    #[arg(long, value_name = "N")]
    steps: Option<u32>,
    /// Classifier-free guidance scale; 1 switches it off.
    #[arg(long)]
    guidance: Option<f32>,
    /// ddim, dpm++2m, dpm++2m-karras, euler, euler-a or lcm.
    #[arg(long)]
    scheduler: Option<Scheduler>,
    /// Seed of the first picture; each further one adds 1. `random` or -1 draws one, which is printed and kept in the recipe.
    #[arg(long, value_name = "N|random", allow_hyphen_values = true)]
    seed: Option<Seed>,
    /// How many pictures, up to 1000.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(..=i64::from(Request::MOST_PICTURES)))]
    count: Option<u32>,
    /// Pixels across.
    #[arg(long, value_name = "PIXELS")]
    width: Option<u32>,
    /// Pixels down.
    #[arg(long, value_name = "PIXELS")]
    height: Option<u32>,
    /// Start from this picture (PNG, JPEG or WebP) instead of from noise.
    #[arg(long, value_name = "PICTURE")]
    init: Option<PathBuf>,
    /// How much of the init picture is redrawn, 0 to 1.
    #[arg(long, requires = "init")]
    strength: Option<f32>,
    /// Draw a picture again from the recipe inside it; other arguments given here win over the recipe.
    #[arg(long, value_name = "PICTURE")]
    from: Option<PathBuf>,
    /// A PNG to write, or a folder for several (made if need be).
    #[arg(long, value_name = "PATH")]
    out: PathBuf,
    /// Print a summary as JSON instead of the paths.
    #[arg(long)]
    json: bool,
    /// No progress bar.
    #[arg(short, long)]
    quiet: bool,
    #[command(flatten)]
    engine: EngineArgs,
}

#[derive(Serialize)]
struct Summary<'a> {
    pictures: Vec<SummaryPicture<'a>>,
    warnings: &'a [String],
    seconds: Seconds,
    steps: u32,
}

#[derive(Serialize)]
struct SummaryPicture<'a> {
    path: &'a Path,
    recipe: &'a Recipe,
}

#[derive(Serialize)]
struct Seconds {
    total: f64,
    loading: f64,
    runtime: f64,
    unet: f64,
    text: f64,
    decoding: f64,
    switching: f64,
}

/// Draws.
pub fn run(args: &GenerateArgs) -> Result<(), Failure> {
    let old = args.from.as_deref().map(Recipe::read).transpose()?;
    let mut engine = args.engine.open()?;
    let request = args.request(engine.bundle(), old.as_ref())?;
    let paths = paths(&args.out, &request)?;
    let cancel = cancelled_by_ctrl_c()?;
    let mut writer = Writer::new(Bar::of_steps(args.quiet || args.json), &paths, &cancel);
    let outcome = engine.generate(&request, &mut writer, &cancel);
    let written = writer.finish()?;
    if outcome.is_err() && !written.is_empty() {
        writeln!(std::io::stderr(), "{} of {} pictures stand, as far as it came", written.len(), request.count)?;
    }
    report(args.json, &outcome?, &written)
}

impl GenerateArgs {
    /// What was typed, over what the recipe says, over the bundle's defaults.
    fn request(&self, bundle: &Bundle, old: Option<&Recipe>) -> Result<Request, Failure> {
        if let Some(old) = old {
            same_model(old, bundle)?;
        }
        let subjects = self.subjects(bundle, old)?;
        // A recipe holds the words that were drawn, and whose they were; only what is typed names subjects.
        let words = |typed: &Option<String>, drawn: Option<&String>, places: fn(&Places) -> &[usize]| match typed {
            Some(typed) => prompt::fill(typed, &subjects),
            None => {
                let own = |subject: &Subject| subject.places.as_ref().map(|p| places(p).to_vec()).unwrap_or_default();
                Ok(Filled { text: drawn.cloned().unwrap_or_default(), starts: subjects.iter().map(own).collect() })
            }
        };
        let prompt = words(&self.prompt, old.map(|o| &o.prompt), |places| &places.prompt)?;
        let negative = words(&self.negative_prompt, old.map(|o| &o.negative_prompt), |places| &places.negative_prompt)?;
        let mut request = Request::new("");
        request.subjects = subjects;
        request.set_prompts(prompt, negative);
        // As it was drawn, also where two subjects of an older picture have one trigger.
        let as_drawn = |old: &Recipe| old.subjects.len() == request.subjects.len() && old.blends();
        request.blend = self.prompt.is_none() && old.is_some_and(as_drawn);
        request.steps = self.steps.or(old.map(|o| o.steps));
        request.guidance = self.guidance.or(old.map(|o| o.guidance));
        request.scheduler = match (self.scheduler, old) {
            (Some(kind), _) => Some(kind),
            (None, Some(old)) => Some(old.scheduler),
            (None, None) => None,
        };
        request.seed = match self.seed {
            Some(seed) => seed.number()?,
            None => old.map_or(0, |old| old.seed),
        };
        request.count = self.count.unwrap_or(1);
        request.width = self.width.or(old.map(|o| o.width));
        request.height = self.height.or(old.map(|o| o.height));
        request.init = self.init(old)?;
        Ok(request)
    }

    fn subjects(&self, bundle: &Bundle, old: Option<&Recipe>) -> Result<Vec<Subject>, Failure> {
        let mut given = Vec::new();
        for spec in &self.subjects {
            given.push(spec.open(bundle, self.engine.store(), self.scope)?);
        }
        match old {
            Some(old) => recipe_subjects::find(old, given, bundle, self.engine.store()),
            None => Ok(given),
        }
    }

    fn init(&self, old: Option<&Recipe>) -> Result<Option<Init>, Failure> {
        let recipe = old.and_then(|o| o.init.as_ref());
        let Some(path) = &self.init else {
            return match recipe {
                None => Ok(None),
                Some(_) => Err("the recipe started from a picture; give it again with --init PICTURE".into()),
            };
        };
        let strength = self.strength.or(recipe.map(|i| i.strength)).unwrap_or(0.8);
        Ok(Some(Init::new(Picture::open(path)?, strength)))
    }
}

fn same_model(recipe: &Recipe, bundle: &Bundle) -> Result<(), Failure> {
    let found = &bundle.manifest().fingerprint;
    if recipe.fingerprint == *found {
        return Ok(());
    }
    Err(format!(
        "the picture was drawn by `{}` with fingerprint {}; this bundle has {found}. Open the right one with --bundle",
        recipe.bundle, recipe.fingerprint
    )
    .into())
}

/// Where each picture goes: the file itself for one, numbered beside it or by seed in a folder for several.
fn paths(out: &Path, request: &Request) -> Result<Vec<PathBuf>, Failure> {
    let is_file = out.extension().is_some_and(|e| e.eq_ignore_ascii_case("png"));
    let folder = if is_file { out.parent().unwrap_or(Path::new("")) } else { out };
    if !folder.as_os_str().is_empty() {
        std::fs::create_dir_all(folder).map_err(cones_core::Error::io("create", folder))?;
    }
    let stem = out.file_stem().map(|s| s.to_string_lossy().into_owned()).unwrap_or_default();
    Ok((0..request.count)
        .map(|i| match (is_file, request.count) {
            (true, 1) => out.to_path_buf(),
            (true, _) => folder.join(format!("{stem}-{i}.png")),
            (false, _) => folder.join(format!("{}.png", request.seed.wrapping_add(u64::from(i)))),
        })
        .collect())
}

fn report(json: bool, generated: &Generated, written: &[(PathBuf, Recipe)]) -> Result<(), Failure> {
    for warning in &generated.warnings {
        writeln!(std::io::stderr(), "warning: {warning}")?;
    }
    let mut out = std::io::stdout();
    if !json {
        for (path, _) in written {
            writeln!(out, "{}", path.display())?;
        }
        return Ok(());
    }
    let timings = generated.timings;
    let pictures = written.iter().map(|(path, recipe)| SummaryPicture { path, recipe });
    let summary = Summary {
        pictures: pictures.collect(),
        warnings: &generated.warnings,
        steps: timings.steps,
        seconds: Seconds {
            total: timings.total.as_secs_f64(),
            loading: timings.loading.as_secs_f64(),
            runtime: timings.runtime.as_secs_f64(),
            unet: timings.unet.as_secs_f64(),
            text: timings.text.as_secs_f64(),
            decoding: timings.decoding.as_secs_f64(),
            switching: timings.switching.as_secs_f64(),
        },
    };
    writeln!(out, "{}", serde_json::to_string_pretty(&summary)?)?;
    Ok(())
}
