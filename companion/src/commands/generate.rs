//! `cones generate`.

use std::io::{IsTerminal, Write};
use std::path::PathBuf;

use clap::Args;
use cones_core::picture::recipe::Recipe;
use cones_core::sampling::scheduler::Scheduler;
use cones_core::subjects::places::Places;
use cones_core::subjects::prompt::{self, Filled};
use cones_core::{Bundle, CancelToken, Engine, Generated, Request, Scope, Style, Subject};

use super::box_args::BoxArgs;
use super::embeds_args::EmbedsArgs;
use super::engine_args::{EngineArgs, cancelled_by_ctrl_c};
use super::generate_report::Report;
use super::image_args::ImageArgs;
use super::init_args::InitArgs;
use super::micro_args::MicroArgs;
use super::old_recipe::OldRecipe;
use super::picture_place::{Place, picture_file};
use super::picture_writer::{Extras, Writer};
use super::progress_bar::Bar;
use super::safety_args::SafetyArgs;
use super::seed::Seed;
use super::silent::Silent;
use super::style_args::StyleArgs;
use super::variation_args::VariationArgs;
use crate::failure::Failure;
use crate::recipe_subjects;
use crate::subject_spec::SubjectSpec;

/// Arguments of `cones generate`.
#[derive(Debug, Args)]
#[command(after_help = "\
A subject is an installed pack by its NAME, a FILE.cones, a mask as FILE.safetensors, or random:PERCENT[:SEED]. :STRENGTH \
behind it (@STRENGTH does as well) is 0 (off) to 1 (as the pack says, the default). In prompts {NAME} stands for the trigger \
words of the subject of that name; {{ and }} stand for braces. NAME=FILE gives a subject another name in this request.

A file is written as its ending says: .png, .jpg or .webp, each with the recipe inside; - is standard output, as PNG. Any other \
name is a folder for PNG files named by their seeds, behind the number of the line with --prompts.

With --prompt-weights, brackets weigh words as in AUTOMATIC1111's web UI: (word) 1.1 times, [word] by as much less, (word:1.3) 1.3 \
times; \\( and \\[ are brackets. Prompts may be of any length then, 75 tokens a chunk, and BREAK begins another chunk.

--from draws pictures of other programs, too, as far as they say how in the words of AUTOMATIC1111's web UI; what cannot be drawn as \
they say is listed.

Examples:
  cones generate -p 'a dog and an apple on grass' --seed 5 -o dog.png
  cones generate -p 'a {fluent-dog} on grass' -s fluent-dog --seed 7 -o rex.jpg
  cones generate -p 'a {fluent-dog} on the beach' -s models/packs/fluent-dog.cones:0.9 --seed 2 -o beach.png --scale 4
  cones generate -p 'a cat in the snow' -n 9 --scheduler dpm++2m --steps 12 -o pictures --sheet cats.png
  cones generate -p 'a (red:1.4) {fluent-car}, [snow]' -s fluent-car --prompt-weights -o red.png
  cones generate -p 'a dog' --styles styles.csv --style 'Oil painting' -o oil.png
  cones generate --prompts prompts.txt --seed random -o pictures
  cones generate -p 'a dog at night' -o - | magick - night.gif
  cones generate -p 'a {fluent-dog} on grass' -s fluent-dog --init photo.jpg --mask spot.png --only-masked --mask-feather 4 -o in.png
  cones generate -p 'a dog on the beach' --init photo.png --outpaint 0,0,64,0 -o wide.png
  cones generate -p 'a dog on grass' --seed 5 --variation-seed 1 --variation-strength 0.2 -n 9 -o dogs --sheet dogs.png
  cones generate -p 'a panda at night' --hires 2 -o large.png
  cones generate -p 'a {fluent-dog} and a cat on grass' -s fluent-dog --box '{fluent-dog}=0.5,0,1,1' --box cat=0,0,0.5,1 -o two.png
  cones generate -p 'a {fluent-dog} and a {fluent-cat}' -s fluent-dog -s fluent-cat --apart -o both.png
  cones generate -p 'a dog' --safety report --safety-classifier open_nsfw -o dog.png
  cones generate --prompt-embeds told.safetensors --words rex=4,5 -s rex.cones -o rex.png
  cones generate --from dog.png -o again.png")]
pub struct GenerateArgs {
    /// What to draw; {NAME} stands for a subject.
    #[arg(short, long, required_unless_present_any = ["from", "prompts", "prompt_embeds"])]
    prompt: Option<String>,
    /// A file of prompts, one a line, each drawn with all else that is given here; empty lines and lines that start with # are skipped.
    #[arg(long, value_name = "FILE", conflicts_with = "prompt")]
    prompts: Option<PathBuf>,
    /// What to stay away from.
    #[arg(long)]
    negative_prompt: Option<String>,
    /// A subject to switch on; may be given several times.
    #[arg(short, long = "subject", value_name = "[NAME=]NAME|FILE[:STRENGTH]")]
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
    /// Bring the guided prediction this far back to the deviation of the prompt's own, 0 (by default) to 1: against pictures that
    /// guidance makes too bright or too dark, as models with zero-terminal SNR do; 0.7 by custom.
    #[arg(long, value_name = "SHARE")]
    guidance_rescale: Option<f32>,
    /// ddim, dpm++2m, dpm++2m-karras, euler, euler-a, lcm or tcd.
    #[arg(long)]
    scheduler: Option<Scheduler>,
    /// How much of the noise in each step is fresh, 0 to 1, with ddim [default: 0] and tcd [default: 0.3].
    #[arg(long, value_name = "SHARE")]
    eta: Option<f32>,
    /// Seed of the first picture; each further one adds 1. `random` or -1 draws one, which is printed and kept in the recipe.
    #[arg(long, value_name = "N|random", allow_hyphen_values = true)]
    seed: Option<Seed>,
    /// How many pictures of each prompt, up to 1000.
    #[arg(
        short = 'n', long, value_name = "N", default_value_t = 1,
        value_parser = clap::value_parser!(u32).range(1..=i64::from(Request::MOST_PICTURES))
    )]
    count: u32,
    /// Pixels across.
    #[arg(long, value_name = "PIXELS")]
    width: Option<u32>,
    /// Pixels down.
    #[arg(long, value_name = "PIXELS")]
    height: Option<u32>,
    #[command(flatten)]
    init: InitArgs,
    #[command(flatten)]
    image: ImageArgs,
    #[command(flatten)]
    boxes: BoxArgs,
    #[command(flatten)]
    variation: VariationArgs,
    #[command(flatten)]
    micro: MicroArgs,
    #[command(flatten)]
    embeds: EmbedsArgs,
    #[command(flatten)]
    style: StyleArgs,
    /// Let brackets weigh words and go on in chunks with long prompts; by default as a recipe says, else not. `=false` draws
    /// brackets as they stand.
    #[arg(
        long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true"
    )]
    prompt_weights: Option<bool>,
    /// Leave out this many of the text encoder's last layers (diffusers' clip_skip; one less than "Clip skip" of AUTOMATIC1111's web UI);
    /// by default as a recipe says, else 0. For both prompts with --prompt-weights, else for --prompt alone.
    #[arg(long, value_name = "N")]
    clip_skip: Option<u32>,
    /// Draw a picture again from the recipe inside it; other arguments given here win over the recipe.
    #[arg(long, value_name = "PICTURE")]
    from: Option<PathBuf>,
    /// A file, .png, .jpg or .webp; a folder for several (made if need be); or - for standard output.
    #[arg(short, long, value_name = "PATH", value_parser = Place::parse)]
    out: Place,
    /// Write pictures N times as large, pixel by pixel: small models draw stamps.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=16))]
    scale: u32,
    /// All pictures on one as well.
    #[arg(long, value_name = "FILE.png", value_parser = picture_file)]
    sheet: Option<PathBuf>,
    /// Show what is being drawn in this file, anew after each step; a viewer that follows changes shows it live.
    #[arg(long, value_name = "FILE.png", value_parser = picture_file)]
    preview: Option<PathBuf>,
    /// Print a summary as JSON instead of the paths.
    #[arg(long)]
    json: bool,
    /// No progress bar.
    #[arg(short, long)]
    quiet: bool,
    #[command(flatten)]
    safety: SafetyArgs,
    #[command(flatten)]
    engine: EngineArgs,
}

/// Draws.
pub fn run(args: &GenerateArgs) -> Result<(), Failure> {
    let old = args.from.as_deref().map(OldRecipe::read).transpose()?;
    let lines = args.prompts.as_deref().map(cones_quantise::prompts::read).transpose()?;
    let mut engine = args.engine.open_shown(&args.safety)?;
    let requests = args.requests(engine.bundle(), old.as_ref(), lines)?;
    args.check_output(&requests)?;
    if let Some(old) = &old {
        old.tell_what_is_left_out(engine.bundle().manifest().text.clip_skip)?;
    }
    let silent = requests.first().and_then(|request| Silent::of(request, engine.bundle()));
    if let Some(silent) = silent.as_ref().filter(|_| !args.quiet && std::io::stderr().is_terminal()) {
        writeln!(std::io::stderr(), "{silent}")?;
    }
    let seeds = |request: &Request| (0..request.count).map(|i| request.telling_seed(i)).collect();
    let paths = args.out.paths(&requests.iter().map(seeds).collect::<Vec<_>>())?;
    let cancel = cancelled_by_ctrl_c()?;
    let cell = engine.bundle().manifest().latent.scale;
    let extras = Extras {
        scale: args.scale,
        preview: args.preview.as_deref().map(|path| (path, cell)),
        sheet: args.sheet.as_deref(),
        to_output: args.out.is_output(),
    };
    let mut writer = Writer::new(Bar::of_steps(args.quiet || args.json), &paths, extras, &cancel);
    let outcome = draw(&mut engine, &requests, &mut writer, &cancel);
    let done = writer.finish()?;
    if outcome.is_err() && !done.written.is_empty() {
        writeln!(std::io::stderr(), "{} of {} pictures stand, as far as it came", done.written.len(), paths.len())?;
    }
    let report = Report { to_output: args.out.is_output(), sheet: args.sheet.as_deref(), json: args.json };
    report.write(&outcome?, &done, silent)?;
    match done.refused.len() {
        0 => Ok(()),
        refused => Err(format!("{refused} of {} pictures were refused as not safe", paths.len()).into()),
    }
}

fn draw(
    engine: &mut Engine,
    requests: &[Request],
    writer: &mut Writer<'_>,
    cancel: &CancelToken,
) -> Result<Vec<Generated>, Failure> {
    let mut generated = Vec::new();
    for request in requests {
        writer.next_request();
        generated.push(engine.generate(request, writer, cancel)?);
    }
    Ok(generated)
}

impl GenerateArgs {
    /// A request for each prompt: what was typed, over what the recipe says, over the bundle's defaults.
    fn requests(
        &self,
        bundle: &Bundle,
        old: Option<&OldRecipe>,
        lines: Option<Vec<String>>,
    ) -> Result<Vec<Request>, Failure> {
        if let Some(recipe) = old.and_then(OldRecipe::ours) {
            same_model(recipe, bundle)?;
        }
        let subjects = self.subjects(bundle, old.and_then(OldRecipe::ours))?;
        let styles = self.style.chosen(bundle)?;
        let around = |words: &str, of: fn(&Style, &str) -> String| {
            styles.iter().fold(words.to_owned(), |words, style| of(style, &words))
        };
        // A recipe holds the words that were drawn, and whose they were; only what is typed names subjects.
        let words = |typed: Option<&String>, drawn: Option<&str>, places: fn(&Places) -> &[usize]| match typed {
            Some(typed) => prompt::fill(typed, &subjects),
            None => {
                let own = |subject: &Subject| subject.places.as_ref().map(|p| places(p).to_vec()).unwrap_or_default();
                let text = drawn.unwrap_or_default().to_owned();
                Ok(Filled { text, starts: subjects.iter().map(own).collect() })
            }
        };
        let mut request = Request::new(String::new());
        let drawn = old.map(OldRecipe::negative_prompt);
        let typed = match &self.negative_prompt {
            None if styles.is_empty() => None,
            typed => Some(around(typed.as_deref().unwrap_or_default(), Style::negative_prompt_of)),
        };
        let negative = words(typed.as_ref(), drawn, |places| &places.negative_prompt)?;
        request.steps = self.steps.or(old.and_then(OldRecipe::steps));
        request.guidance = self.guidance.or(old.and_then(OldRecipe::guidance));
        request.guidance_rescale = self.guidance_rescale.or(old.and_then(OldRecipe::guidance_rescale));
        request.scheduler = self.scheduler.or(old.and_then(OldRecipe::scheduler));
        // With another scheduler its share of fresh noise means nothing.
        let as_old = old.filter(|old| old.scheduler() == request.scheduler);
        request.eta = self.eta.or(as_old.and_then(OldRecipe::eta));
        request.seed = match self.seed {
            Some(seed) => seed.number()?,
            None => old.and_then(OldRecipe::seed).unwrap_or(0),
        };
        request.variation = self.variation.variation(old.and_then(OldRecipe::variation))?;
        request.hires = self.variation.hires(old.and_then(OldRecipe::hires))?;
        let told = old.and_then(OldRecipe::ours).map(|recipe| recipe.micro_conditions).unwrap_or_default();
        request.micro_conditions = self.micro.conditions(told);
        request.prompt_embeds = self.embeds.open(old.and_then(OldRecipe::ours))?;
        request.count = self.count;
        let size = old.and_then(OldRecipe::size);
        request.width = self.width.or(size.map(|(width, _)| width));
        request.height = self.height.or(size.map(|(_, height)| height));
        request.init = self.init.open(old.and_then(OldRecipe::ours))?;
        request.image = self.image.open(old.and_then(OldRecipe::ours))?;
        request.prompt_weights = self.prompt_weights.unwrap_or(old.is_some_and(OldRecipe::prompt_weights));
        let most = bundle.manifest().text.clip_skip;
        request.clip_skip = self.clip_skip.unwrap_or_else(|| old.map_or(0, |old| old.clip_skip(most)));
        let styled = |line: &String| around(line, Style::prompt_of);
        let prompts = match &lines {
            Some(lines) => {
                let of_line = |line| words(Some(&styled(line)), None, |places| &places.prompt);
                lines.iter().map(of_line).collect::<Result<Vec<_>, _>>()?
            }
            None => {
                let typed = self.prompt.as_ref().map(styled);
                vec![words(typed.as_ref(), old.map(OldRecipe::prompt), |places| &places.prompt)?]
            }
        };
        // Their words are in both prompts already.
        request = styles.iter().fold(request, Request::with_style);
        request.subjects.clone_from(&subjects);
        // As it was drawn, also where two subjects of an older picture have one trigger.
        let as_drawn = |old: &Recipe| old.subjects.len() == subjects.len() && old.blends();
        let typed = self.prompt.is_some() || lines.is_some();
        request.blend = !typed && old.and_then(OldRecipe::ours).is_some_and(as_drawn);
        let with = |prompt: Filled| {
            let mut request = request.clone();
            let named = subjects.iter().zip(&prompt.starts).filter(|(_, starts)| !starts.is_empty());
            request.boxes = self.boxes.boxes(old.and_then(OldRecipe::ours), named.map(|(subject, _)| subject));
            request.set_prompts(prompt, negative.clone());
            request
        };
        let requests: Vec<Request> = prompts.into_iter().map(with).collect();
        self.boxes.check(&requests)?;
        Ok(requests)
    }

    /// Standard output holds one picture and nothing else.
    fn check_output(&self, requests: &[Request]) -> Result<(), Failure> {
        if !self.out.is_output() {
            return Ok(());
        }
        let pictures: u64 = requests.iter().map(|request| u64::from(request.count)).sum();
        if pictures > 1 {
            return Err(Failure::Usage(format!(
                "standard output takes one picture, not {pictures}; name a folder with --out"
            )));
        }
        if self.json {
            return Err(Failure::Usage("--json goes to standard output, and so does the picture with --out -".into()));
        }
        Ok(())
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
