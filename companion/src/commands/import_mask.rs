//! `cones import-mask`.

use std::collections::HashMap;
use std::io::Write;
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use cones_core::disk::atomic;
use cones_core::subjects::pack::{Metadata, Precision, to_precision};
use cones_core::{Bundle, ConceptMask, Pack, Scope};

use crate::base_model::BundleArgs;
use crate::clock;
use crate::failure::Failure;
use crate::pack_parts::read_preview;
use crate::precision_arg::PrecisionArg;
use cones_import::MaskFile;

/// Arguments of `cones import-mask`.
#[derive(Debug, Args)]
#[command(after_help = "\
The file holds, for each layer of the base model, a 1-D int32 tensor of neuron indices (row * columns + column) and, where \
neurons are scaled rather than shut, a float32 tensor `LAYER.factors` beside it. Its metadata may say what the options \
below say; options win. With SOURCE_DATE_EPOCH set, the same input gives the same bytes.

Example:
  cones import-mask rex.safetensors --out rex.cones --name rex --trigger '<v1> dog' --class dog --preview rex.png")]
pub struct ImportMaskArgs {
    /// The mask, as Python's safetensors writes it.
    #[arg(value_name = "FILE.safetensors")]
    mask: PathBuf,
    /// The pack to write.
    #[arg(short, long, value_name = "PACK.cones")]
    out: PathBuf,
    /// The name it is installed and called by: a-z 0-9 - _ . and no more than 64 of them.
    #[arg(long)]
    name: Option<String>,
    /// The words that stand for the subject in a prompt.
    #[arg(long, value_name = "WORDS")]
    trigger: Option<String>,
    /// What kind of thing it is, as `dog`.
    #[arg(long)]
    class: Option<String>,
    /// Which rows of K and V it changes: prompt or trigger.
    #[arg(long)]
    scope: Option<Scope>,
    /// Who made it.
    #[arg(long)]
    author: Option<String>,
    /// An SPDX expression or a sentence.
    #[arg(long)]
    licence: Option<String>,
    /// The pack's version; a publisher counts up.
    #[arg(long, value_name = "N")]
    version: Option<u32>,
    /// What is kept per neuron; by default binary, or float16 where there are factors.
    #[arg(long)]
    precision: Option<PrecisionArg>,
    /// A PNG or WebP of at most 64 KB that shows the subject.
    #[arg(long, value_name = "PICTURE")]
    preview: Option<PathBuf>,
    #[command(flatten)]
    bundle: BundleArgs,
}

/// Writes the pack.
pub fn run(args: &ImportMaskArgs) -> Result<(), Failure> {
    let bundle = args.bundle.open()?;
    let file = MaskFile::open(&args.mask)?;
    let mask = file.mask(&bundle)?;
    let header = file.metadata()?;
    let metadata = args.metadata(&file, &header, &bundle)?;
    let precision = args.precision(&header, mask.is_binary())?;
    let kept = to_precision(&mask, precision)?;
    let change = largest_change(&mask, &kept);
    if change > 0.0 {
        writeln!(std::io::stderr(), "note: kept as {precision}, factors differ from the file's by up to {change}")?;
    }
    let preview = args.preview.as_deref().map(read_preview).transpose()?;
    let fingerprint = bundle.manifest().fingerprint;
    let mut pack = Pack::new(metadata, fingerprint, kept, precision);
    pack.preview = preview;
    atomic::write(&args.out, &pack.encode()?)?;
    writeln!(std::io::stdout(), "{}", args.out.display())?;
    Ok(())
}

/// How far the factors of two masks of the same neurons are apart.
fn largest_change(before: &ConceptMask, after: &ConceptMask) -> f32 {
    let pairs = (0..before.layers()).flat_map(|layer| before.weighted(layer).zip(after.weighted(layer)));
    pairs.fold(0.0, |most, ((_, a), (_, b))| most.max((a - b).abs()))
}

impl ImportMaskArgs {
    /// What was typed, over what the file says.
    fn metadata(
        &self,
        file: &MaskFile,
        header: &HashMap<String, String>,
        bundle: &Bundle,
    ) -> Result<Metadata, Failure> {
        let text =
            |typed: &Option<String>, key: &str| typed.clone().or_else(|| header.get(key).cloned()).unwrap_or_default();
        let scope = match (self.scope, header.get("scope")) {
            (Some(scope), _) => scope,
            (None, Some(text)) => text.parse()?,
            (None, None) => Scope::default(),
        };
        let version = match (self.version, header.get("version")) {
            (Some(version), _) => version,
            (None, Some(text)) => {
                text.parse().map_err(|_| format!("the file's version `{text}` is no whole number"))?
            }
            (None, None) => 1,
        };
        let trigger = text(&self.trigger, "trigger");
        if trigger.trim().is_empty() {
            return Err("the file names no trigger words; give them with --trigger".into());
        }
        let name = self.name.clone().map_or_else(|| file.name(), Ok)?;
        let mut metadata = Metadata::new(name, trigger, text(&self.class, "class"));
        (metadata.version, metadata.scope) = (version, scope);
        metadata.created = clock::now()?;
        metadata.author = text(&self.author, "author");
        metadata.licence = text(&self.licence, "licence");
        metadata.model.clone_from(&bundle.manifest().name);
        Ok(metadata)
    }

    fn precision(&self, header: &HashMap<String, String>, binary: bool) -> Result<Precision, Failure> {
        if let Some(typed) = self.precision {
            return Ok(typed.into());
        }
        match header.get("precision") {
            Some(text) => Ok(PrecisionArg::from_str(text, true)
                .map_err(|_| format!("the file's precision `{text}` is unknown; say which with --precision"))?
                .into()),
            None => Ok(if binary { Precision::Binary } else { Precision::Float16 }),
        }
    }
}
