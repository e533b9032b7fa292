//! `cones report`.

use std::io::Write;
use std::path::PathBuf;

use clap::Args;
use cones_core::Engine;
use cones_core::model::bundle::VAE_ENCODER;

use super::engine_args::{EngineArgs, cancelled_by_ctrl_c};
use super::progress_bar::Bar;
use crate::failure::Failure;
use crate::inspect::heads;
use crate::pack_file::PackFile;
use crate::report::attention::{self, Attention};
use crate::report::attention_map::Mapper;
use crate::report::facts;
use crate::report::outline::{self, Given, Overlap};
use crate::report::page::Page;
use crate::report::painter::{Cost, Painter};
use crate::report::sheet::{self, Sheet};
use crate::report::subject::Reported;

/// The page's name in its folder.
const PAGE: &str = "index.html";

/// Arguments of `cones report`.
#[derive(Debug, Args)]
#[command(after_help = "\
The page is one file: pictures inside, no script, no network. It shows the packs' pictures in several contexts and \
strengths beside the base model's, where the trigger is seen in them, how the neurons were found (from the \
NAME.finding.json that `cones find` leaves beside a pack), which neurons they are, and what several packs share. \
In a prompt, {} stands for the trigger words.
With --pictures the page also shows where the trigger is seen in your pictures, with the pack off and on. A picture DIR/dog.jpg whose \
subject's shape is known, white on black in DIR/shapes/dog.png, gets a figure: the overlap of shape and attention.

Examples:
  cones report models/packs/fluent-dog.cones --out report
  cones report rex.cones tin.cones --out both        # each alone, then both in one picture
  cones report rex.cones tin.cones --pictures rex-photos tin-photos --out both
  cones report rex.cones --prompt 'a {} on the moon' --prompt 'a {} made of glass' --seeds 4 --out rex")]
pub struct ReportArgs {
    /// Pack files, or names of installed packs.
    #[arg(required = true, value_name = "PACK")]
    packs: Vec<String>,
    /// Folder for `index.html`; made if need be.
    #[arg(short, long, value_name = "DIR")]
    out: PathBuf,
    /// A prompt, one row each; eight everyday contexts by default.
    #[arg(short, long = "prompt", value_name = "PROMPT")]
    prompts: Vec<String>,
    /// First seed.
    #[arg(long, default_value_t = 5)]
    seed: u64,
    /// How many seeds; 2 by default, 1 for several packs.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(1..=16))]
    seeds: Option<u8>,
    /// Denoising steps.
    #[arg(long, value_name = "N")]
    steps: Option<u32>,
    /// Pictures of the subject to look at too, with captions in `subject.json` if wanted, as `cones find` takes them. For
    /// several packs as many folders, in their order.
    #[arg(long, value_name = "DIR", num_args = 1..)]
    pictures: Vec<PathBuf>,
    /// Print the page's path and the overlaps with the shapes of --pictures as JSON.
    #[arg(long)]
    json: bool,
    /// No progress bar.
    #[arg(short, long)]
    quiet: bool,
    #[command(flatten)]
    engine: EngineArgs,
}

/// Makes the page.
pub fn run(args: &ReportArgs) -> Result<(), Failure> {
    if !args.pictures.is_empty() && args.pictures.len() != args.packs.len() {
        let (folders, packs) = (args.pictures.len(), args.packs.len());
        return Err(Failure::Usage(format!("--pictures takes a folder for each pack: {folders} for {packs}")));
    }
    let mut engine = args.engine.open()?;
    let packs = args.open_packs(&engine)?;
    let given = packs.iter().zip(&args.pictures).map(|(pack, folder)| Given::read(&engine, pack, folder));
    let given: Vec<Given> = given.collect::<Result<_, _>>()?;
    std::fs::create_dir_all(&args.out).map_err(cones_core::Error::io("create", &args.out))?;
    let cancel = cancelled_by_ctrl_c()?;
    let bar = Bar::of_counts(args.quiet);
    let mut told = |what: &str, done: usize, of: usize| bar.show(done, of, what.to_owned());
    let mut painter = Painter {
        engine: &mut engine,
        steps: args.steps,
        told: &mut told,
        cancel: &cancel,
        cost: Cost::default(),
        warnings: Vec::new(),
    };
    let sheets = args.draw(&mut painter, &packs)?;
    let (attention, given) = match args.mapper(&painter)? {
        Ok(mut mapper) => {
            let (drawn, given) = look(&mut painter, &mut mapper, &packs, &sheets, given)?;
            (Ok(drawn), given)
        }
        Err(reason) => (Err(reason), Vec::new()),
    };
    let (cost, warnings) = (painter.cost, painter.warnings);
    drop(bar);
    let making = facts::page(&engine, args.steps, args.engine.provider.name(), &cost)?;
    let page = Page { packs: &packs, sheets, attention, given, warnings, making };
    let html = page.html(engine.bundle().manifest())?;
    cancel.check()?;
    let path = args.out.join(PAGE);
    cones_core::disk::atomic::write(&path, html.as_bytes())?;
    for warning in &page.warnings {
        writeln!(std::io::stderr(), "warning: {warning}")?;
    }
    let mut out = std::io::stdout();
    if args.json {
        let overlaps: Vec<Overlap> = page.given.iter().filter_map(outline::overlap).collect();
        writeln!(out, "{}", serde_json::to_string_pretty(&serde_json::json!({ "page": path, "overlaps": overlaps }))?)?;
    } else {
        writeln!(out, "{}", path.display())?;
    }
    Ok(())
}

impl ReportArgs {
    fn open_packs(&self, engine: &Engine) -> Result<Vec<Reported>, Failure> {
        let bundle = engine.bundle();
        let rows = heads::group_rows(bundle)?;
        let open = |named: &String| {
            let file = PackFile::find(named, self.engine.store(), Some(bundle.manifest().fingerprint))?;
            Reported::open(&file, bundle, &rows)
        };
        self.packs.iter().map(open).collect()
    }

    /// A sheet of each pack, and one of all where there are several.
    fn draw(&self, painter: &mut Painter<'_>, packs: &[Reported]) -> Result<Vec<Sheet>, Failure> {
        let prompts = if self.prompts.is_empty() { cones_find::drawing::contexts() } else { self.prompts.clone() };
        let count = self.seeds.unwrap_or(if packs.len() == 1 { 2 } else { 1 });
        let seeds: Vec<u64> = (0..count).map(|i| self.seed.wrapping_add(u64::from(i))).collect();
        let mut sheets = Vec::new();
        for pack in packs {
            sheets.push(sheet::draw(painter, &[pack], &prompts, &seeds)?);
        }
        if packs.len() > 1 {
            let all: Vec<&Reported> = packs.iter().collect();
            sheets.push(sheet::draw(painter, &all, &prompts, &seeds)?);
        }
        Ok(sheets)
    }

    /// What makes maps; or, as the inner value, why this bundle gives none. Where pictures were given to look at, that is an error.
    fn mapper(&self, painter: &Painter<'_>) -> Result<Result<Mapper, String>, Failure> {
        let bundle = painter.engine.bundle();
        let reason = if bundle.manifest().files.contains_key(VAE_ENCODER) {
            if let Some(mapper) = Mapper::load(painter.engine, &self.engine.gradient(bundle)?, self.seed)? {
                return Ok(Ok(mapper));
            }
            "No maps: the bundle has no unet.plain.onnx, and its U-Net hides the attention probabilities in fused nodes. A bundle \
             imported from a plain export has it."
                .to_owned()
        } else {
            format!("No maps: the bundle has no {VAE_ENCODER}, which looking at a picture takes.")
        };
        if self.pictures.is_empty() { Ok(Err(reason)) } else { Err(reason.into()) }
    }
}

/// The maps of each pack: those of what was drawn, then those of the pictures that were given.
fn look(
    painter: &mut Painter<'_>,
    mapper: &mut Mapper,
    packs: &[Reported],
    sheets: &[Sheet],
    given: Vec<Given>,
) -> Result<(Vec<Attention>, Vec<Attention>), Failure> {
    let drawn = packs.iter().zip(sheets).map(|(pack, sheet)| attention::look(painter, mapper, pack, sheet));
    let drawn = drawn.collect::<Result<_, _>>()?;
    let given = packs.iter().zip(given).map(|(pack, given)| outline::look(painter, mapper, pack, given));
    Ok((drawn, given.collect::<Result<_, _>>()?))
}
