//! `cones import-embedding`.

use std::io::Write;
use std::path::PathBuf;

use clap::Args;
use cones_core::subjects::pack::Precision;
use cones_core::{ConceptMask, Scope};
use cones_import::Embedding;

use super::about_args::{AboutArgs, Described};
use crate::base_model::BundleArgs;
use crate::failure::Failure;

/// Arguments of `cones import-embedding`.
#[derive(Debug, Args)]
#[command(after_help = "\
Takes what diffusers (learned_embeds.safetensors), AUTOMATIC1111's web UI and Kohya's scripts write, for Stable Diffusion 1 and 2. \
Wherever the trigger stands in a prompt, or in a negative prompt, the vectors stand in its place: all of them, however many \
tokens the word itself has. Strength 0 is the base model exactly. Pickled files (.pt, .bin) are never opened; the message says \
how to make a safetensors file of one.

Examples:
  cones import-embedding learned_embeds.safetensors --bundle my-sd --trigger '<cat-toy>' --out cat-toy.cones
  cones generate --bundle my-sd --subject cat-toy.cones --prompt 'a <cat-toy> on a table'
  cones import-embedding easynegative.safetensors --bundle my-sd --out easynegative.cones    # the trigger is the file's name
  cones generate --bundle my-sd --subject easynegative.cones --prompt 'a cat' --negative-prompt easynegative")]
pub struct ImportEmbeddingArgs {
    /// The embedding, as safetensors.
    #[arg(value_name = "FILE.safetensors")]
    embedding: PathBuf,
    /// The pack to write.
    #[arg(short, long, value_name = "PACK.cones")]
    out: PathBuf,
    /// The word that stands for it in prompts [default: the one that the file gives it, or the file's name].
    #[arg(long, value_name = "WORD")]
    trigger: Option<String>,
    /// What kind of thing it is, as `dog`.
    #[arg(long, default_value = "")]
    class: String,
    #[command(flatten)]
    about: AboutArgs,
    #[command(flatten)]
    bundle: BundleArgs,
}

/// Writes the pack.
pub fn run(args: &ImportEmbeddingArgs) -> Result<(), Failure> {
    let bundle = args.bundle.open()?;
    let embedding = Embedding::open(&args.embedding)?;
    let stem = || args.embedding.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
    let trigger = args.trigger.clone().or_else(|| embedding.word.clone()).unwrap_or_else(stem);
    let described = Described { trigger: &trigger, class: &args.class, scope: Scope::Trigger };
    let nothing = ConceptMask::empty(&bundle.manifest().layers);
    let mut pack = args.about.pack(&described, &args.out, &bundle, &nothing, Precision::Binary)?;
    pack.embeddings = Some(embedding.in_place_of(&trigger, &bundle)?);
    cones_core::disk::atomic::write(&args.out, &pack.encode()?)?;
    let (vectors, width) = (embedding.vectors(), embedding.width);
    writeln!(std::io::stderr(), "{vectors} vectors of {width} numbers in the place of `{trigger}`")?;
    writeln!(std::io::stdout(), "{}", args.out.display())?;
    Ok(())
}
