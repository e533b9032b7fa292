//! The `import` command: its arguments, and the import from start to end.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use cones_core::bundle::{EMBEDDING_OFFSETS, UNET_PLAIN, VAE_DECODER, VAE_ENCODER, mapped_twin};
use cones_core::manifest::{Defaults, Manifest, Preview, SCHEMA, Text};
use cones_core::memory::Profile;
use cones_core::scheduler::Kind;

use super::config::Config;
use super::interface::{self, Interface};
use super::layers::Layers;
use super::output::Output;
use super::store::{self, WeightsFile};
use super::{Error, Result, attention, check, config, hoist, multihead, offsets, preview, tokenizer};
use crate::onnx::{Model, graph, overridable, strip};
use crate::profile;
use crate::rows::{self, Rewritten};

/// Weights shared by the U-Net's graphs.
const UNET_WEIGHTS: &str = "unet.weights";

/// The graphs that have one dialect only.
const OTHERS: [(&str, &Interface); 3] = [
    ("text_encoder", &interface::TEXT_ENCODER),
    ("vae_decoder", &interface::VAE_DECODER),
    ("vae_encoder", &interface::VAE_ENCODER),
];

/// Arguments of `cones import`.
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
Example, for a model that diffusers has saved in `model/`:
  python models/export/export_onnx.py model export/fused --dialect fused
  python models/export/export_onnx.py model export/plain --dialect plain
  cones import --onnx export/fused --plain export/plain --weights model --store float16 --out bundle

Importing the same files again gives the same bytes.")]
pub struct ImportArgs {
    /// Folder with text_encoder.onnx, unet.onnx, vae_decoder.onnx and vae_encoder.onnx
    #[arg(long, value_name = "DIR")]
    pub onnx: PathBuf,
    /// Folder with a unet.onnx without fused nodes, for CoreML and NNAPI; it shares the weights of the other
    #[arg(long, value_name = "DIR")]
    pub plain: Option<PathBuf>,
    /// The diffusers folder that was exported: configurations, tokenizer and the U-Net's safetensors
    #[arg(long, value_name = "DIFFUSERS_DIR")]
    pub weights: PathBuf,
    /// Folder to write the bundle to
    #[arg(long, value_name = "BUNDLE")]
    pub out: PathBuf,
    /// Short name of the model [default: the name of the BUNDLE folder]
    #[arg(long)]
    pub name: Option<String>,
    /// Licence of the weights, as an SPDX expression or a sentence
    #[arg(long, value_name = "TEXT", default_value = "unspecified")]
    pub licence: String,
    /// How to keep weights; float16 is used only where it changes no value, and halves what people download
    #[arg(long, value_enum, default_value_t = Storage::Float32)]
    pub store: Storage,
    /// Replace BUNDLE if there is one
    #[arg(long)]
    pub force: bool,
    /// Guidance scale where a request names none
    #[arg(long, default_value_t = 7.5, value_parser = guidance)]
    pub guidance: f32,
    /// Scheduler where a request names none
    #[arg(long, default_value = "ddim")]
    pub scheduler: Kind,
    /// Steps where a request names none
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..))]
    pub steps: u32,
}

/// How a bundle keeps float32 weights.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Storage {
    /// As they are.
    Float32,
    /// As float16 with a cast behind it, where no value changes by that.
    Float16,
}

fn guidance(text: &str) -> std::result::Result<f32, String> {
    let value = text.parse::<f32>().ok().filter(|value| value.is_finite() && *value >= 0.0);
    value.ok_or_else(|| "must be a number, 0 or more".to_owned())
}

/// Makes the bundle.
///
/// # Errors
/// Names the file, layer, node or configuration key at fault. Nothing is left behind at `out` then.
pub fn run(args: &ImportArgs) -> Result<()> {
    config::check_folder(&args.onnx, "--onnx")?;
    config::check_folder(&args.weights, "--weights")?;
    args.plain.iter().try_for_each(|folder| config::check_folder(folder, "--plain"))?;
    let name = name(args)?;
    let output = Output::begin(&args.out, args.force)?;
    let config = Config::read(&args.weights)?;
    let tokenizer = tokenizer::find(&args.weights, &args.onnx)?;
    let text = tokenizer::read(&tokenizer, &args.weights, &config)?;
    let tokens = std::fs::read(&tokenizer).map_err(Error::io("read", &tokenizer))?;
    output.write("tokenizer.json", &tokens)?;

    log::info!("reading the cross-attention weights of `{}`", args.weights.display());
    let layers = Layers::open(&args.weights.join("unet"))?;
    let fingerprint = attention::write(&layers, &output.folder().join("attention.safetensors"))?;
    let sizes = Sizes::of(&config, text);
    import_unets(args, &layers, &config, sizes, output.folder())?;
    let mut takes_offsets = false;
    for (graph, interface) in OTHERS {
        log::info!("importing `{graph}.onnx`");
        takes_offsets |= import_other(&args.onnx, graph, interface, args.store, sizes, output.folder())?;
    }
    let preview = fit_preview(&config, output.folder())?;
    check_all(args, &layers, takes_offsets, output.folder())?;

    let mut manifest = Manifest {
        schema: SCHEMA,
        name,
        licence: args.licence.clone(),
        form: None,
        image: config.image,
        latent: config.latent,
        vae: config.vae,
        prediction_type: config.prediction_type,
        noise_schedule: config.noise_schedule,
        text,
        defaults: Defaults { steps: args.steps, guidance: args.guidance, scheduler: args.scheduler.name().to_owned() },
        preview: Some(preview),
        layers: layers.projections.into_iter().map(|projection| projection.layer).collect(),
        files: BTreeMap::new(),
        fingerprint,
    };
    log::info!("counting what the graphs take of memory");
    write_profile(&output, &manifest)?;
    manifest.files = output.files()?;
    output.finish(&manifest)?;
    log::info!("wrote `{}`", args.out.display());
    Ok(())
}

fn name(args: &ImportArgs) -> Result<String> {
    let folder = || args.out.file_name().map(|name| name.to_string_lossy().into_owned());
    let name = args.name.clone().or_else(folder).filter(|name| !name.trim().is_empty());
    name.ok_or_else(|| Error::output(&args.out, "has no name to call the model by", "give one with --name"))
}

/// The default graph first, so that the weights lie in its order.
fn import_unets(args: &ImportArgs, layers: &Layers, config: &Config, sizes: Sizes, folder: &Path) -> Result<()> {
    let mut weights = WeightsFile::create(folder, UNET_WEIGHTS)?;
    let plain = args.plain.iter().map(|plain| (plain, "unet.plain"));
    for (source, name) in std::iter::once((&args.onnx, "unet")).chain(plain) {
        let file = source.join("unet.onnx");
        log::info!("importing `{}`", file.display());
        let mut model = Model::open(&file)?;
        graph::lift_constants(model.graph_mut()?);
        interface::canonicalise(&mut model, &interface::UNET)?;
        check_width(&model, layers, config)?;
        hoist::hoist(&mut model, layers)?;
        if name == "unet" {
            fuse_attention(&mut model, sizes)?;
        }
        strip::strip(&mut model.proto, "unet");
        store::store(&mut model, args.store, &mut weights)?;
        save(model, folder, name)?;
    }
    weights.finish()
}

/// Every projection takes the text encoder's width.
fn check_width(model: &Model, layers: &Layers, config: &Config) -> Result<()> {
    let odd = layers.projections.iter().map(|p| &p.layer).find(|layer| layer.columns != config.hidden_size);
    match odd {
        None => Ok(()),
        Some(layer) => {
            let reason = format!("has {} columns; the text encoder gives {}", layer.columns, config.hidden_size);
            Err(Error::layer(model.file(), &layer.name, reason))
        }
    }
}

/// Counts what the graphs take of memory, for the plan that is made before they are loaded.
pub(crate) fn write_profile(output: &Output, manifest: &Manifest) -> Result<()> {
    let profile = profile::of_folder(output.folder(), profile::Sizes::of(manifest))?;
    let path = output.folder().join(Profile::FILE);
    let json = serde_json::to_string_pretty(&profile).map_err(|error| Error::io("write", &path)(error.into()))?;
    output.write(Profile::FILE, format!("{json}\n").as_bytes())
}

/// Whether it is a text encoder that takes learned embeddings.
fn import_other(
    onnx: &Path,
    name: &str,
    interface: &Interface,
    storage: Storage,
    sizes: Sizes,
    folder: &Path,
) -> Result<bool> {
    let mut model = Model::open(&onnx.join(format!("{name}.onnx")))?;
    graph::lift_constants(model.graph_mut()?);
    interface::canonicalise(&mut model, interface)?;
    let is_text = name == OTHERS[0].0;
    let takes_offsets = is_text && offsets::add(&mut model)?;
    if is_text && !takes_offsets {
        log::warn!(
            "`{name}.onnx` looks its tokens up in no table of floating-point numbers: packs with learned embeddings will not fit"
        );
    }
    let sizes = if name == OTHERS[2].0 { sizes.of_pictures() } else { sizes };
    fuse_attention(&mut model, sizes)?;
    strip::strip(&mut model.proto, name);
    store::store_alone(&mut model, storage, folder, &format!("{name}.weights"))?;
    save(model, folder, name)?;
    Ok(takes_offsets)
}

/// Sizes that a graph's free dimensions may have, for telling shapes.
#[derive(Debug, Clone, Copy)]
struct Sizes {
    tokens: u32,
    height: u32,
    width: u32,
    /// Pixels that a cell of the latent covers along one side.
    scale: u32,
}

impl Sizes {
    fn of(config: &Config, text: Text) -> Self {
        let scale = config.latent.scale.max(1);
        let (height, width) = (config.image.height / scale, config.image.width / scale);
        Self { tokens: text.max_length, height, width, scale }
    }

    /// For a graph that takes pictures and not latents.
    fn of_pictures(self) -> Self {
        Self { height: self.height * self.scale, width: self.width * self.scale, ..self }
    }

    fn get(self, dimension: &str) -> Option<usize> {
        match dimension {
            // Not 1, so that it is not mistaken for a dimension that is always 1.
            "batch" => Some(2),
            "tokens" => usize::try_from(self.tokens).ok(),
            "height" => usize::try_from(self.height).ok(),
            "width" => usize::try_from(self.width).ok(),
            _ => None,
        }
    }
}

/// Writes attention as the node that needs little memory, and says what was left as it is.
fn fuse_attention(model: &mut Model, sizes: Sizes) -> Result<()> {
    let done = multihead::rewrite(model, |dimension| sizes.get(dimension))?;
    let file = model.file().display().to_string();
    log::info!("`{file}`: {} attentions written as MultiHeadAttention", done.count);
    for left in done.left {
        log::warn!("`{file}`: the attention {left}; it stays as it is, and takes more memory");
    }
    Ok(())
}

/// Writes the graph, and its mapped twin where that is another one. The plain graph is for providers that compile what
/// they run, and these want constants. A VAE's twin goes in blocks of rows: it is for devices that have little memory.
fn save(mut model: Model, folder: &Path, name: &str) -> Result<()> {
    let file = format!("{name}.onnx");
    model.save(&folder.join(&file))?;
    if file == UNET_PLAIN || list_weights(&mut model)? == 0 {
        return Ok(());
    }
    if [VAE_DECODER, VAE_ENCODER].contains(&file.as_str()) {
        cut_in_rows(&mut model)?;
        // Rewriting takes the list away.
        list_weights(&mut model)?;
    }
    model.save(&folder.join(mapped_twin(&file)))?;
    Ok(())
}

fn list_weights(model: &mut Model) -> Result<usize> {
    let Model { proto, source } = model;
    let Some(graph) = proto.graph.as_mut() else { return Ok(0) };
    Ok(overridable::list(graph, source, |_| false)?)
}

/// Lets a VAE go in blocks of rows, and says where it does not.
fn cut_in_rows(model: &mut Model) -> Result<()> {
    let file = model.file().display().to_string();
    match rows::rewrite(model)? {
        Rewritten::Blocks(passes) => log::info!("`{file}`: goes in blocks of rows, in {passes} passes"),
        Rewritten::Left(reason) => {
            log::warn!("`{file}`: the graph {reason}; it goes through whole pictures, and takes more memory");
        }
    }
    Ok(())
}

fn fit_preview(config: &Config, folder: &Path) -> Result<Preview> {
    log::info!("fitting the preview");
    let side = config.image.width.min(config.image.height);
    preview::fit(&folder.join("vae_encoder.onnx"), config.latent, config.vae, side)
}

fn check_all(args: &ImportArgs, layers: &Layers, takes_offsets: bool, folder: &Path) -> Result<()> {
    log::info!("checking the new graphs");
    for (name, interface) in OTHERS {
        let offsets = takes_offsets && name == OTHERS[0].0;
        let more: &[&str] = if offsets { &[EMBEDDING_OFFSETS] } else { &[] };
        let file = format!("{name}.onnx");
        for file in [folder.join(&file), folder.join(mapped_twin(&file))].iter().filter(|file| file.is_file()) {
            check::graph(file, interface, more)?;
        }
    }
    let names: Vec<&str> = layers.projections.iter().map(|projection| projection.layer.name.as_str()).collect();
    check::graph(&folder.join("unet.onnx"), &interface::UNET, &names)?;
    match args.plain {
        Some(_) => check::graph(&folder.join("unet.plain.onnx"), &interface::UNET, &names),
        None => Ok(()),
    }
}
