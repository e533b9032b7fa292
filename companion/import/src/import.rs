//! The import from start to end.

use std::path::Path;

use cones_core::CancelToken;
use cones_core::model::bundle::{EMBEDDING_OFFSETS, TOKENIZER, UNET_PLAIN, VAE_DECODER, VAE_ENCODER, mapped_twin};
use cones_core::model::manifest::{Defaults, Manifest, Preview, Text};
use cones_core::sampling::scheduler::Scheduler;
use cones_onnx::{Model, graph, overridable, strip};

use crate::config::{self, Config};
use crate::error::{Error, Result};
use crate::import_options::ImportOptions;
use crate::interface::{self, Interface};
use crate::layers::Layers;
use crate::output::Output;
use crate::stage::Stage;
use crate::storage::Storage;
use crate::store::{self, WeightsFile};
use crate::weight_names::Blocks;
use crate::{attention, check, hoist, multihead, offsets, preview, rows, scheduler, tokenizer};

/// Weights shared by the U-Net's graphs.
const UNET_WEIGHTS: &str = "unet.weights";

/// The graphs that have one dialect only.
const OTHERS: [(&str, &Interface); 3] = [
    ("text_encoder", &interface::TEXT_ENCODER),
    ("vae_decoder", &interface::VAE_DECODER),
    ("vae_encoder", &interface::VAE_ENCODER),
];

/// Makes the bundle, and returns its manifest. `told` hears of each stage as it begins.
///
/// # Errors
/// Names the file, layer, node or configuration key at fault; [`cones_core::Error::Cancelled`] between two stages once
/// `cancel` says so. Nothing is left behind at `out` then.
pub fn import(options: &ImportOptions, told: &mut dyn FnMut(Stage<'_>), cancel: &CancelToken) -> Result<Manifest> {
    config::check_folder(&options.onnx, "--onnx")?;
    let configurations = config::folder(options)?;
    options.plain.iter().try_for_each(|folder| config::check_folder(folder, "--plain"))?;
    let name = name(options)?;
    let output = Output::begin(&options.out, options.replace)?;
    let mut told = |stage: Stage<'_>| {
        told(stage);
        cancel.check()
    };
    let config = Config::read(configurations)?;
    let text = write_tokenizer(configurations, options, &config, &output)?;

    told(Stage::Weights(&options.weights))?;
    let layers = if options.weights.is_file() {
        Layers::open_file(&options.weights, &Blocks::read(configurations)?)?
    } else {
        Layers::open(&options.weights.join("unet"))?
    };
    let fingerprint = attention::write(&layers, &output.folder().join("attention.safetensors"))?;
    let sizes = Sizes::new(&config, text);
    import_unets(options, &layers, &config, sizes, output.folder(), &mut told)?;
    let mut takes_offsets = false;
    for (graph, interface) in OTHERS {
        told(Stage::Graph(Path::new(&format!("{graph}.onnx"))))?;
        takes_offsets |= import_other(&options.onnx, graph, interface, options.storage, sizes, output.folder())?;
    }
    told(Stage::Preview)?;
    let preview = fit_preview(&config, output.folder())?;
    told(Stage::Check)?;
    check_all(options, &layers, takes_offsets, output.folder())?;

    let layers = layers.projections.into_iter().map(|projection| projection.layer).collect();
    let mut manifest = Manifest::new(name, fingerprint, layers);
    manifest.licence.clone_from(&options.licence);
    manifest.image = config.image;
    manifest.latent = config.latent;
    manifest.vae = config.vae;
    manifest.prediction_type = config.sampling.prediction_type;
    manifest.noise_schedule = config.sampling.noise_schedule;
    manifest.text = text;
    manifest.defaults = defaults(options, config.sampling.scheduler);
    manifest.preview = Some(preview);
    told(Stage::Memory)?;
    output.write_profile(&manifest)?;
    manifest.files = output.files()?;
    output.finish(&manifest)?;
    // It stands; cancelling comes too late.
    let _ = told(Stage::Written(&options.out));
    Ok(manifest)
}

/// Writes the tokenizer, and opens it as an engine will.
fn write_tokenizer(configurations: &Path, options: &ImportOptions, config: &Config, output: &Output) -> Result<Text> {
    let tokenizer = tokenizer::read(configurations, &options.onnx, &config.text)?;
    output.write(TOKENIZER, &tokenizer.bytes)?;
    cones_core::text::tokenizer::Tokenizer::open(&output.folder().join(TOKENIZER), tokenizer.text)?;
    Ok(tokenizer.text)
}

/// What is asked for, and where nothing is, what suits the scheduler.
fn defaults(options: &ImportOptions, own: Scheduler) -> Defaults {
    let scheduler = options.scheduler.unwrap_or(own);
    let (steps, guidance) = scheduler::suited(scheduler);
    Defaults::new(options.steps.unwrap_or(steps), options.guidance.unwrap_or(guidance), scheduler)
}

fn name(options: &ImportOptions) -> Result<String> {
    let folder = || options.out.file_name().map(|name| name.to_string_lossy().into_owned());
    let name = options.name.clone().or_else(folder).filter(|name| !name.trim().is_empty());
    name.ok_or_else(|| Error::output(&options.out, "has no name to call the model by", "give one with --name"))
}

/// The default graph first, so that the weights lie in its order.
fn import_unets(
    options: &ImportOptions,
    layers: &Layers,
    config: &Config,
    sizes: Sizes,
    folder: &Path,
    told: &mut dyn FnMut(Stage<'_>) -> cones_core::Result<()>,
) -> Result<()> {
    let mut weights = WeightsFile::create(folder, UNET_WEIGHTS)?;
    let plain = options.plain.iter().map(|plain| (plain, "unet.plain"));
    for (source, name) in std::iter::once((&options.onnx, "unet")).chain(plain) {
        let file = source.join("unet.onnx");
        told(Stage::Graph(&file))?;
        let mut model = Model::open(&file)?;
        graph::lift_constants(model.graph_mut()?);
        interface::canonicalise(&mut model, &interface::UNET)?;
        check_width(&model, layers, config)?;
        hoist::hoist(&mut model, layers)?;
        if name == "unet" {
            fuse_attention(&mut model, sizes)?;
        }
        strip::strip(&mut model.proto, "unet");
        store::store(&mut model, options.storage, &mut weights)?;
        save(model, folder, name)?;
    }
    weights.finish()
}

/// Every projection takes the text encoder's width.
fn check_width(model: &Model, layers: &Layers, config: &Config) -> Result<()> {
    let odd = layers.projections.iter().map(|p| &p.layer).find(|layer| layer.columns != config.text.hidden_size);
    match odd {
        None => Ok(()),
        Some(layer) => {
            let reason = format!("has {} columns; the text encoder gives {}", layer.columns, config.text.hidden_size);
            Err(Error::layer(model.file(), &layer.name, reason))
        }
    }
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
    let takes_offsets = is_text && offsets::add_input(&mut model)?;
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
    fn new(config: &Config, text: Text) -> Self {
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
        rows::cut(&mut model)?;
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

fn fit_preview(config: &Config, folder: &Path) -> Result<Preview> {
    let side = config.image.width.min(config.image.height);
    preview::fit(&folder.join("vae_encoder.onnx"), config.latent, config.vae, side)
}

fn check_all(options: &ImportOptions, layers: &Layers, takes_offsets: bool, folder: &Path) -> Result<()> {
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
    match options.plain {
        Some(_) => check::graph(&folder.join("unet.plain.onnx"), &interface::UNET, &names),
        None => Ok(()),
    }
}
