//! `cones inspect`.

use std::io::Write;
use std::path::{Path, PathBuf};

use clap::Args;
use cones_core::model::bundle::MANIFEST;
use cones_core::{Bundle, ConceptMask, EngineOptions};

use super::memory_table;
use crate::base_model::BundleArgs;
use crate::failure::Failure;
use crate::inspect::findings::{Findings, Inspected, Learned, Matrices, PairOverlap};
use crate::inspect::layers::{count, overlap};
use crate::inspect::{heads, heat_map, report};
use crate::pack_file::PackFile;

/// Arguments of `cones inspect`.
#[derive(Debug, Args)]
#[command(after_help = "\
A pack says which base model it is for. That one is looked for: the one named with --bundle, the default one, those that \
are installed. Without it only what the pack says of itself can be shown.

Examples:
  cones inspect models/packs/fluent-dog.cones
  cones inspect fluent-dog fluent-owl --picture both.png     # installed packs, what they share, a heat map
  cones inspect models/toybox/bundle                         # a base model, and the memory that drawing takes
  cones inspect --json fluent-dog | jq '.packs[0].layers[].density'")]
pub struct InspectArgs {
    /// Pack files, names of installed packs, or folders of bundles: of these what they hold and take of memory.
    #[arg(required = true, value_name = "PACK|BUNDLE")]
    packs: Vec<String>,
    /// Draw a heat map by block and attention head: a PNG or SVG file.
    #[arg(long, value_name = "FILE.png|FILE.svg", value_parser = picture)]
    picture: Option<PathBuf>,
    /// Print everything as JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    bundle: BundleArgs,
}

/// Prints what the packs hold.
pub fn run(args: &InspectArgs) -> Result<(), Failure> {
    let mut found = Findings { packs: Vec::new(), overlaps: Vec::new() };
    let mut masks: Vec<(Bundle, String, ConceptMask)> = Vec::new();
    let (bundles, packs): (Vec<&String>, Vec<&String>) =
        args.packs.iter().partition(|named| Path::new(named.as_str()).join(MANIFEST).is_file());
    if !bundles.is_empty() && (args.json || args.picture.is_some()) {
        return Err("--json and --picture are for packs; `cones bundle show --json` prints a bundle's manifest".into());
    }
    for named in bundles {
        let bundle = Bundle::open(named)?;
        let mut out = std::io::stdout();
        super::bundle::describe(&mut out, &bundle, false)?;
        memory_table::write(&mut out, &bundle, &EngineOptions::default())?;
    }
    if packs.is_empty() {
        return Ok(());
    }
    for named in packs {
        let file = PackFile::find_any(named, &args.bundle)?;
        let mut pack = Inspected::new(&file, file.header()?);
        match args.bundle.fitting(pack.fingerprint)? {
            Some(bundle) => {
                let decoded = file.decode(bundle.manifest())?;
                pack.embeddings = Learned::new(&decoded);
                pack.low_rank = Matrices::new(&decoded);
                // A LoRA has no neurons that could be counted, or shared with another pack's.
                if pack.low_rank.is_none() {
                    let mask = decoded.mask;
                    pack.layers = Some(count(&mask, &bundle.manifest().layers, &heads::group_rows(&bundle)?));
                    masks.push((bundle, pack.metadata.name.clone(), mask));
                }
            }
            None => missing_model(&pack)?,
        }
        found.packs.push(pack);
    }
    for (i, (bundle, first, mask)) in masks.iter().enumerate() {
        let same_model = |b: &Bundle| b.manifest().fingerprint == bundle.manifest().fingerprint;
        for (_, second, other) in masks.iter().skip(i + 1).filter(|(b, ..)| same_model(b)) {
            let layers = overlap(mask, other, &bundle.manifest().layers)?;
            found.overlaps.push(PairOverlap { first: first.clone(), second: second.clone(), layers });
        }
    }
    if let Some(path) = &args.picture {
        save_picture(&found, path)?;
    }
    let mut out = std::io::stdout();
    if args.json {
        writeln!(out, "{}", serde_json::to_string_pretty(&found)?)?;
        return Ok(());
    }
    report::write(&mut out, &found)?;
    Ok(())
}

fn missing_model(pack: &Inspected) -> Result<(), Failure> {
    let (model, fingerprint) = (&pack.metadata.model, &pack.fingerprint);
    writeln!(
        std::io::stderr(),
        "note: `{}` is for the base model `{model}` (fingerprint {fingerprint}), which is not at hand: its layers are \
         not shown; name the model's bundle with --bundle",
        pack.metadata.name
    )?;
    Ok(())
}

fn save_picture(found: &Findings, path: &Path) -> Result<(), Failure> {
    let with_layers = |p: &Inspected| Some((report::title(p), p.layers.clone()?));
    let packs: Vec<_> = found.packs.iter().filter_map(with_layers).collect();
    if packs.is_empty() {
        if !found.packs.is_empty() && found.packs.iter().all(|pack| pack.low_rank.is_some()) {
            return Err("a heat map shows neurons, and a LoRA has none".into());
        }
        return Err("a heat map needs the packs' base model; name its bundle with --bundle".into());
    }
    heat_map::draw(&packs).save(path)
}

fn picture(text: &str) -> Result<PathBuf, String> {
    let path = PathBuf::from(text);
    let known = path.extension().is_some_and(|e| e.eq_ignore_ascii_case("png") || e.eq_ignore_ascii_case("svg"));
    if known { Ok(path) } else { Err("must end in .png or .svg".into()) }
}
