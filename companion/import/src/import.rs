//! The import from start to end.

use std::path::Path;

use cones_core::CancelToken;
use cones_core::model::bundle::{
    EMBEDDING_OFFSETS, MANIFEST, TOKENIZER, UNET, UNET_PLAIN, VAE_DECODER, VAE_ENCODER, mapped_twin,
};
use cones_core::model::manifest::{Defaults, Manifest, Text};
use cones_core::sampling::scheduler::Scheduler;
use cones_onnx::proto::tensor_proto::DataType;
use cones_onnx::{Model, graph, info, overridable, strip};

use crate::config::{self, Config};
use crate::error::{Error, Result};
use crate::fixed::FixedSizes;
use crate::import_options::ImportOptions;
use crate::interface::{self, Interface};
use crate::layers::Layers;
use crate::lora::Part;
use crate::merge::Merge;
use crate::output::Output;
use crate::parity::Beside;
use crate::scheduler::Sampling;
use crate::sizes::Sizes;
use crate::stage::Stage;
use crate::storage::Storage;
use crate::store::{self, WeightsFile};
use crate::timestep::Timestep;
use crate::weight_names::Blocks;
use crate::{
    attention, check, fixed, hoist, layout, multihead, offsets, posterior, preview, rows, scheduler, skipped, tokenizer,
};

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
    let mut config = Config::read(configurations)?;
    check_defaults(&config.sampling, &defaults(options, &config, Timestep::Float))?;
    let text = write_tokenizer(configurations, options, &config, &output)?;

    told(Stage::Weights(&options.weights))?;
    let layers = if options.weights.is_file() {
        Layers::open_file(&options.weights, &Blocks::read(configurations)?)?
    } else {
        Layers::open(&options.weights.join("unet"))?
    };
    let merge = Merge::open(&options.merge, &options.weights)?;
    let merge = merge.as_ref();
    let fingerprint = attention::write(&layers, merge, &output.folder().join("attention.safetensors"))?;
    let sizes = Sizes::new(&config, text);
    let mut fixed = FixedSizes::default();
    let timestep = import_unets(options, (&layers, merge), &config, sizes, &mut fixed, output.folder(), &mut told)?;
    let mut encoder = Encoder::default();
    for (graph, interface) in OTHERS {
        let file = layout::graph_file(&options.onnx, graph)?;
        told(Stage::Graph(&file))?;
        let done = import_other(
            &file,
            graph,
            interface,
            (options.storage, merge),
            (&config, sizes, &mut fixed),
            output.folder(),
        )?;
        encoder = done.unwrap_or(encoder);
    }
    let fixed = fixed.manifest(&mut config.image, config.latent)?;
    told(Stage::Preview)?;
    let vae_encoder = output.folder().join(VAE_ENCODER);
    let preview = preview::fit(&vae_encoder, config.latent, config.vae, config.image, fixed)?;
    told(Stage::Check)?;
    check_all(options, (&config, &layers), encoder.takes_offsets, output.folder())?;

    let layers = layers.projections.into_iter().map(|projection| projection.layer).collect();
    let mut manifest = Manifest::new(name, fingerprint, layers);
    manifest.licence.clone_from(&options.licence);
    manifest.image = config.image;
    manifest.latent = config.latent;
    manifest.in_channels = config.in_channels;
    manifest.time_cond_proj_dim = config.time_cond_proj_dim;
    manifest.vae = config.vae;
    manifest.prediction_type = config.sampling.prediction_type;
    manifest.noise_schedule = config.sampling.noise_schedule;
    manifest.schema = manifest.lowest_schema();
    manifest.text = text;
    manifest.text.clip_skip = encoder.clip_skip;
    manifest.defaults = defaults(options, &config, timestep);
    manifest.presets.clone_from(&options.presets);
    manifest.fixed = fixed;
    manifest.whole_timesteps = timestep != Timestep::Float;
    manifest.preview = Some(preview);
    if let Some(merge) = merge {
        told(Stage::Merged(merge.modules()))?;
    } else {
        compare(options, output.folder(), &mut manifest, &mut told)?;
    }
    cones_core::model::bundle::check_values(&options.out.join(MANIFEST), &manifest)?;
    told(Stage::Memory)?;
    output.write_profile(&manifest)?;
    manifest.files = output.files()?;
    output.finish(&manifest)?;
    // It stands; cancelling comes too late.
    let _ = told(Stage::Written(&options.out));
    Ok(manifest)
}

/// Draws one step beside the export, and believes what that shows of the export.
fn compare(
    options: &ImportOptions,
    folder: &Path,
    manifest: &mut Manifest,
    told: &mut dyn FnMut(Stage<'_>) -> cones_core::Result<()>,
) -> Result<()> {
    told(Stage::Compare)?;
    let (onnx, plain) = (options.onnx.as_path(), options.plain.as_deref());
    match (Beside { onnx, plain, folder, manifest }).compare()? {
        Ok(found) => {
            told(Stage::Compared(found.parity))?;
            if let Some(batch) = found.batch {
                log::warn!("the U-Net says that it takes any number of samples, and takes {batch} alone");
                declare_batch(folder, batch)?;
                manifest.fixed.batch = Some(batch);
            }
        }
        Err(reason) => told(Stage::Uncompared(&reason))?,
    }
    Ok(())
}

/// Writes the tokenizer, and opens it as an engine will.
fn write_tokenizer(configurations: &Path, options: &ImportOptions, config: &Config, output: &Output) -> Result<Text> {
    let tokenizer = tokenizer::read(configurations, &options.onnx, &config.text)?;
    output.write(TOKENIZER, &tokenizer.bytes)?;
    cones_core::text::tokenizer::Tokenizer::open(&output.folder().join(TOKENIZER), tokenizer.text)?;
    Ok(tokenizer.text)
}

/// Schedulers that stop between whole timesteps.
const BETWEEN: [Scheduler; 2] = [Scheduler::Euler, Scheduler::EulerAncestral];

/// What is asked for, and where nothing is, what suits the scheduler; not one that stops where the graph does not.
fn defaults(options: &ImportOptions, config: &Config, timestep: Timestep) -> Defaults {
    let own = config.sampling.scheduler;
    let own = if timestep != Timestep::Float && BETWEEN.contains(&own) { Scheduler::Ddim } else { own };
    let scheduler = options.scheduler.unwrap_or(own);
    let (steps, guidance) = scheduler::suited(scheduler, &config.sampling, config.time_cond_proj_dim.is_some());
    Defaults::new(options.steps.unwrap_or(steps), options.guidance.unwrap_or(guidance), scheduler)
}

/// A request that is silent about everything must be one that can be drawn: said before any work.
fn check_defaults(sampling: &Sampling, defaults: &Defaults) -> Result<()> {
    let (schedule, steps) = (&sampling.noise_schedule, usize::try_from(defaults.steps).unwrap_or(usize::MAX));
    cones_core::sampling::scheduler::plan(defaults.scheduler, schedule, sampling.prediction_type, steps, None)?;
    Ok(())
}

fn name(options: &ImportOptions) -> Result<String> {
    let folder = || options.out.file_name().map(|name| name.to_string_lossy().into_owned());
    let name = options.name.clone().or_else(folder).filter(|name| !name.trim().is_empty());
    name.ok_or_else(|| Error::output(&options.out, "has no name to call the model by", "give one with --name"))
}

/// The default graph first, so that the weights lie in its order. Returns what they make of timesteps.
fn import_unets(
    options: &ImportOptions,
    (layers, merge): (&Layers, Option<&Merge>),
    config: &Config,
    sizes: Sizes,
    fixed: &mut FixedSizes,
    folder: &Path,
    told: &mut dyn FnMut(Stage<'_>) -> cones_core::Result<()>,
) -> Result<Timestep> {
    let mut weights = WeightsFile::create(folder, UNET_WEIGHTS)?;
    let mut timestep = Timestep::Float;
    let plain = options.plain.iter().map(|plain| (plain, "unet.plain"));
    for (source, name) in std::iter::once((&options.onnx, "unet")).chain(plain) {
        let file = layout::graph_file(source, "unet")?;
        told(Stage::Graph(&file))?;
        let mut model = Model::open(&file)?;
        graph::lift_constants(model.graph_mut()?);
        if let Timestep::Cut(element) = interface::canonicalise(&mut model, interface_of(config))? {
            warn_of_cut(options, &file, element);
            timestep = Timestep::Cut(element);
        }
        fix_guidance(&mut model, config)?;
        fixed.learn_unet(&model, sizes.tokens, config.latent)?;
        check_width(&model, layers, config)?;
        hoist::hoist(&mut model, layers)?;
        let merged = merge.map(|merge| merge.change_graph(&mut model, Part::Unet, folder)).transpose()?;
        if name == "unet" {
            fuse_attention(&mut model, sizes)?;
        }
        strip::strip(&mut model.proto, "unet");
        store::store(&mut model, options.storage, &mut weights)?;
        save(model, folder, name)?;
        drop(merged);
    }
    weights.finish()?;
    Ok(timestep)
}

/// What the U-Net takes.
fn interface_of(config: &Config) -> &'static Interface {
    if config.time_cond_proj_dim.is_some() { &interface::GUIDED_UNET } else { &interface::UNET }
}

/// The embedding of the guidance scale has one width, also where the export leaves it free.
fn fix_guidance(model: &mut Model, config: &Config) -> Result<()> {
    let Some(width) = config.time_cond_proj_dim.map(|width| width as usize) else { return Ok(()) };
    let file = model.file().to_path_buf();
    for input in model.graph_mut()?.input.iter_mut().filter(|input| input.name() == interface::GUIDANCE) {
        if let Some(exported) = info::sizes(input).get(1).copied().flatten().filter(|exported| *exported != width) {
            let reason = format!("`{}` has {exported} numbers; its configuration says {width}", input.name());
            return Err(Error::interface(&file, reason));
        }
        info::fix_at(input, 1, width);
    }
    Ok(())
}

/// The U-Net was trained on whole timesteps; some schedulers take it to others.
fn warn_of_cut(options: &ImportOptions, file: &Path, element: DataType) {
    let (file, kind) = (file.display(), element.as_str_name());
    let asked = options.scheduler.filter(|scheduler| BETWEEN.contains(scheduler));
    let other = asked.map_or_else(String::new, |scheduler| {
        format!("; `{scheduler}`, the scheduler of this bundle, may have some: `ddim` and `dpm++2m` have none")
    });
    log::warn!("`{file}` computes with timesteps of {kind}, so those between whole ones are rounded{other}");
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

/// What a text encoder can do.
#[derive(Debug, Clone, Copy, Default)]
struct Encoder {
    /// Whether it takes learned embeddings.
    takes_offsets: bool,
    /// The most layers that can be left out.
    clip_skip: u32,
}

/// What it can do, where it is a text encoder.
fn import_other(
    file: &Path,
    name: &str,
    interface: &Interface,
    (storage, merge): (Storage, Option<&Merge>),
    (config, sizes, fixed): (&Config, Sizes, &mut FixedSizes),
    folder: &Path,
) -> Result<Option<Encoder>> {
    let mut model = Model::open(file)?;
    graph::lift_constants(model.graph_mut()?);
    interface::canonicalise(&mut model, interface)?;
    let (is_text, is_encoder) = (name == OTHERS[0].0, name == OTHERS[2].0);
    let sizes = if is_encoder { sizes.of_pictures() } else { sizes };
    if is_encoder {
        posterior::take_mean(&mut model, config.latent.channels, sizes)?;
    }
    fixed.learn_other(&mut model, interface, sizes.tokens, if is_encoder { 1 } else { config.latent.scale })?;
    let merge = merge.filter(|_| is_text);
    let merged = merge.map(|merge| merge.change_graph(&mut model, Part::TextEncoder, folder)).transpose()?;
    let encoder = if is_text { Some(extend_encoder(&mut model, name)?) } else { None };
    fuse_attention(&mut model, sizes)?;
    strip::strip(&mut model.proto, name);
    store::store_alone(&mut model, storage, folder, &format!("{name}.weights"))?;
    save(model, folder, name)?;
    drop(merged);
    Ok(encoder)
}

/// Gives a text encoder what requests may ask of it beside its last layer.
fn extend_encoder(model: &mut Model, name: &str) -> Result<Encoder> {
    let takes_offsets = offsets::add_input(model)?;
    if !takes_offsets {
        log::warn!(
            "`{name}.onnx` looks its tokens up in no table of floating-point numbers: packs with learned embeddings will not fit"
        );
    }
    let clip_skip = skipped::add_outputs(model)?;
    if clip_skip == 0 {
        log::warn!("`{name}.onnx`: no layer was found that can be left out: requests with a clip skip will be refused");
    }
    Ok(Encoder { takes_offsets, clip_skip })
}

/// Writes attention as the node that needs little memory, and says what was left as it is.
fn fuse_attention(model: &mut Model, sizes: Sizes) -> Result<()> {
    let done = multihead::rewrite(model, sizes)?;
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

fn declare_batch(folder: &Path, batch: u32) -> Result<()> {
    let graphs = [UNET, UNET_PLAIN].map(|name| [name.to_owned(), mapped_twin(name)]);
    let files = graphs.iter().flatten().map(|name| folder.join(name));
    files.filter(|file| file.is_file()).try_for_each(|file| fixed::declare_batch(&file, batch))
}

fn list_weights(model: &mut Model) -> Result<usize> {
    let Model { proto, source } = model;
    let Some(graph) = proto.graph.as_mut() else { return Ok(0) };
    Ok(overridable::list(graph, source, |_| false)?)
}

fn check_all(
    options: &ImportOptions,
    (config, layers): (&Config, &Layers),
    takes_offsets: bool,
    folder: &Path,
) -> Result<()> {
    for (name, interface) in OTHERS {
        let offsets = takes_offsets && name == OTHERS[0].0;
        let more: &[&str] = if offsets { &[EMBEDDING_OFFSETS] } else { &[] };
        let file = format!("{name}.onnx");
        for file in [folder.join(&file), folder.join(mapped_twin(&file))].iter().filter(|file| file.is_file()) {
            check::graph(file, interface, more)?;
        }
    }
    let names: Vec<&str> = layers.projections.iter().map(|projection| projection.layer.name.as_str()).collect();
    check::graph(&folder.join("unet.onnx"), interface_of(config), &names)?;
    match options.plain {
        Some(_) => check::graph(&folder.join("unet.plain.onnx"), interface_of(config), &names),
        None => Ok(()),
    }
}
