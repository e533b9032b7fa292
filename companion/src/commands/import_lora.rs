//! `cones import-lora`.

use std::io::Write;
use std::path::PathBuf;

use clap::Args;
use cones_core::{Pack, Scope};
use cones_import::Lora;

use super::about_args::{AboutArgs, Described};
use crate::base_model::BundleArgs;
use crate::failure::Failure;

/// Arguments of `cones import-lora`.
#[derive(Debug, Args)]
#[command(after_help = "\
Takes a LoRA that changes keys and values of the cross-attention (attn2.to_k, attn2.to_v) and nothing else, in the names of diffusers, \
PEFT or Kohya's scripts. It is kept as it is, as two thin matrices for each layer, switched on like any pack, and undone exactly. \
A LoRA changes all words of a prompt: it has no trigger of its own, though it may have been trained with a word. \
LoRAs that change other modules too are refused with the list of them; `cones import … --merge FILE` puts one into a model.

Examples:
  cones import-lora style.safetensors --bundle my-sd --out style.cones
  cones generate --bundle my-sd --subject style.cones:0.8 --prompt 'a house by the sea'
  cones import-lora style.safetensors --bundle my-sd --strength 1.4 --out strong-style.cones")]
pub struct ImportLoraArgs {
    /// The LoRA, as safetensors.
    #[arg(value_name = "FILE.safetensors")]
    lora: PathBuf,
    /// The pack to write.
    #[arg(short, long, value_name = "PACK.cones")]
    out: PathBuf,
    /// How strong strength 1 of the pack is: what diffusers calls the LoRA's scale, and others its weight.
    #[arg(long, value_name = "SCALE", default_value_t = 1.0, allow_negative_numbers = true)]
    strength: f32,
    /// The word that it was trained with, if any: `{NAME}` in a prompt then stands for it.
    #[arg(long, value_name = "WORD", default_value = "")]
    trigger: String,
    /// What kind of thing it is, as `style`.
    #[arg(long, default_value = "")]
    class: String,
    #[command(flatten)]
    about: AboutArgs,
    #[command(flatten)]
    bundle: BundleArgs,
}

/// Writes the pack.
pub fn run(args: &ImportLoraArgs) -> Result<(), Failure> {
    if !args.strength.is_finite() || args.strength == 0.0 {
        return Err(Failure::Usage(format!("--strength is {}; it must be a number other than 0", args.strength)));
    }
    let bundle = args.bundle.open()?;
    let manifest = bundle.manifest();
    let low_rank = Lora::open(&args.lora)?.low_rank(&manifest.layers, args.strength)?;
    let described = Described { trigger: &args.trigger, class: &args.class, scope: Scope::Prompt };
    let mut pack = Pack::of_low_rank(args.about.metadata(&described, &args.out, &bundle)?, manifest, low_rank);
    pack.preview = args.about.preview()?;
    let bytes = pack.encode()?;
    cones_core::disk::atomic::write(&args.out, &bytes)?;
    if let Some(low_rank) = &pack.low_rank {
        let (layers, (least, most)) = (low_rank.changed(), low_rank.ranks());
        let rank = if least == most { format!("rank {most}") } else { format!("ranks {least} to {most}") };
        writeln!(std::io::stderr(), "{layers} of {} layers, {rank}, {} bytes", manifest.layers.len(), bytes.len())?;
    }
    writeln!(std::io::stdout(), "{}", args.out.display())?;
    Ok(())
}
