//! `cones import`.

use std::io::Write;
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use cones_core::sampling::scheduler::Scheduler;
use cones_import::{ImportOptions, Merged, Stage, Storage, import};

use super::engine_args::cancelled_by_ctrl_c;
use crate::failure::Failure;

/// Arguments of `cones import`.
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
Example, for a model that diffusers has saved in `model/`:
  python models/export/export_onnx.py model export/fused --dialect fused
  python models/export/export_onnx.py model export/plain --dialect plain
  cones import --onnx export/fused --plain export/plain --weights model --dtype float16 --out bundle

The same where its weights are one file, as people share them, and `model/` has the configurations:
  cones import --onnx export/fused --weights model.safetensors --config model --out bundle

With a LoRA merged into the weights of U-Net and text encoder, half as strong, and LCM-LoRA, which lcm draws in 4 steps without guidance:
  cones import --onnx export/fused --weights model --merge style.safetensors=0.5 --merge lcm.safetensors --scheduler lcm --out styled

Importing the same files again gives the same bytes.")]
pub struct ImportArgs {
    /// Folder with text_encoder.onnx, unet.onnx, vae_decoder.onnx and vae_encoder.onnx, or as optimum lays them: unet/model.onnx and so on
    #[arg(long, value_name = "DIR")]
    onnx: PathBuf,
    /// Folder with a unet.onnx without fused nodes, for CoreML and NNAPI; it shares the weights of the other
    #[arg(long, value_name = "DIR")]
    plain: Option<PathBuf>,
    /// What was exported: a diffusers folder with configurations, tokenizer and the U-Net's safetensors, or one
    /// safetensors file of the model, as people share it
    #[arg(long, value_name = "DIFFUSERS_DIR|FILE")]
    weights: PathBuf,
    /// Folder with configurations and tokenizer as in a diffusers folder, where the weights are one file
    /// [default: DIFFUSERS_DIR, or the folder of --onnx]
    #[arg(long, value_name = "DIFFUSERS_DIR")]
    config: Option<PathBuf>,
    /// Merge a LoRA into the weights, SCALE times as strong as it is; may be given several times. The bundle is another base model than
    /// without, with packs of its own. Linear layers and convolutions of the U-Net and the text encoder
    #[arg(long, value_name = "LORA[=SCALE]", value_parser = merged)]
    merge: Vec<Merged>,
    /// Folder to write the bundle to
    #[arg(short, long, value_name = "BUNDLE")]
    out: PathBuf,
    /// Short name of the model [default: the name of the BUNDLE folder]
    #[arg(long)]
    name: Option<String>,
    /// Licence of the weights, as an SPDX expression or a sentence
    #[arg(long, value_name = "TEXT", default_value = "unspecified")]
    licence: String,
    /// How to keep weights; float16 is used only where it changes no value, and halves what people download
    #[arg(long, value_enum, default_value_t = StorageArg::Float32)]
    dtype: StorageArg,
    /// Replace BUNDLE if there is one
    #[arg(long)]
    force: bool,
    /// Guidance scale where a request names none [default: 7.5; 1 for models of few steps, 8.5 where their U-Net takes it as an input]
    #[arg(long, value_parser = guidance)]
    guidance: Option<f32>,
    /// Scheduler where a request names none [default: that of the model's configuration, or the one most like it]
    #[arg(long)]
    scheduler: Option<Scheduler>,
    /// Steps where a request names none [default: 20, and 4 for models of few steps: lcm, tcd, or trailing timesteps with Euler]
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..))]
    steps: Option<u32>,
    /// Presets of the bundle: a file of styles (a list in JSON, or a styles.csv), which `--style NAME` and apps choose from
    #[arg(long, value_name = "FILE")]
    presets: Option<PathBuf>,
}

/// How a bundle keeps float32 weights.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum StorageArg {
    /// As they are.
    Float32,
    /// As float16 with a cast behind it, where no value changes by that.
    Float16,
}

/// A file, and a number behind the last `=`, if it is one.
fn merged(text: &str) -> Result<Merged, String> {
    let (lora, scale) = match text.rsplit_once('=') {
        Some((file, number)) if !std::path::Path::new(text).exists() => {
            let scale = number.parse::<f32>().ok().filter(|scale| scale.is_finite());
            (file, scale.ok_or_else(|| format!("`{number}` behind `=` is no number"))?)
        }
        _ => (text, 1.0),
    };
    Ok(Merged { lora: lora.into(), scale })
}

fn guidance(text: &str) -> Result<f32, String> {
    let value = text.parse::<f32>().ok().filter(|value| value.is_finite() && *value >= 0.0);
    value.ok_or_else(|| "must be a number, 0 or more".to_owned())
}

/// Makes the bundle.
///
/// # Errors
/// Names the file, layer, node or configuration key at fault. Nothing is left behind at `--out` then.
pub fn run(args: &ImportArgs) -> Result<(), Failure> {
    let mut options = ImportOptions::new(&args.onnx, &args.weights, &args.out);
    options.plain.clone_from(&args.plain);
    options.config.clone_from(&args.config);
    options.name.clone_from(&args.name);
    options.licence.clone_from(&args.licence);
    options.storage = match args.dtype {
        StorageArg::Float32 => Storage::Float32,
        StorageArg::Float16 => Storage::Float16,
    };
    options.merge.clone_from(&args.merge);
    options.replace = args.force;
    options.guidance = args.guidance;
    options.scheduler = args.scheduler;
    options.steps = args.steps;
    options.presets = args.presets.as_deref().map(cones_core::library::styles::open).transpose()?.unwrap_or_default();
    import(&options, &mut tell, &cancelled_by_ctrl_c()?)?;
    Ok(())
}

/// How near the new graphs are to the export is said in any case.
fn tell(stage: Stage<'_>) {
    match stage {
        Stage::Compared(_) | Stage::Uncompared(_) | Stage::Merged(_) => drop(writeln!(std::io::stderr(), "{stage}")),
        stage => log::info!("{stage}"),
    }
}
