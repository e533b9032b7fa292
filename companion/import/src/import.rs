//! The import from start to end.

use std::path::Path;

use cones_core::model::bundle::{
    ENCODER_HID_PROJ, MANIFEST, TEXT_EMBEDS, TIME_IDS, TOKENIZER, TOKENIZER_2, UNET, UNET_PLAIN, VAE_ENCODER,
    mapped_twin,
};
use cones_core::model::manifest::{Defaults, Manifest, SecondText, Text};
use cones_core::sampling::scheduler::Scheduler;
use cones_core::{CancelToken, MicroConditions};
use cones_onnx::proto::tensor_proto::DataType;
use cones_onnx::{Model, graph, info, strip};

use crate::config::{self, Config};
use crate::denoiser::Denoiser;
use crate::error::{Error, Result};
use crate::fixed::FixedSizes;
use crate::given_text::{self, GivenConfig};
use crate::import_options::ImportOptions;
use crate::interface::{self, Interface, UnetTakes};
use crate::layers::Layers;
use crate::lora::Part;
use crate::merge::Merge;
use crate::others::{self, Encoder};
use crate::output::Output;
use crate::parity::Beside;
use crate::sampling::Sampling;
use crate::saving::{fuse_attention, save};
use crate::sizes::Sizes;
use crate::stage::Stage;
use crate::store::{self, WeightsFile};
use crate::text_config::TextEncoder;
use crate::timestep::Timestep;
use crate::weight_names::Blocks;
use crate::{
    attention, check, fixed, hoist, layout, outward, preview, scheduler, second_text, side_by_side, text_projection,
    tokenizer,
};

/// Weights shared by the U-Net's graphs.
const UNET_WEIGHTS: &str = "unet.weights";

/// Makes the bundle, and returns its manifest. `told` hears of each stage as it begins.
///
/// # Errors
/// Names the file, layer, node or configuration key at fault; [`cones_core::Error::Cancelled`] between two stages once
/// `cancel` says so. Nothing is left behind at `out` then.
pub fn import(options: &ImportOptions, told: &mut dyn FnMut(Stage<'_>), cancel: &CancelToken) -> Result<Manifest> {
    config::check_folder(&options.onnx, "--onnx")?;
    let configurations = config::folder(options)?;
    options.plain.iter().try_for_each(|folder| config::check_folder(folder, "--plain"))?;
    let folders = [Some(&options.onnx), options.plain.as_ref(), Some(&options.weights), options.config.as_ref()];
    folders.into_iter().flatten().filter(|path| path.is_dir()).try_for_each(|folder| outward::check(folder))?;
    let name = name(options)?;
    let output = Output::begin(&options.out, options.replace)?;
    let mut told = |stage: Stage<'_>| {
        told(stage);
        cancel.check()
    };
    let mut config = Config::read(configurations)?;
    check_defaults(&config.sampling, &defaults(options, &config, Timestep::Float))?;
    let (text, text_2) = write_tokenizers(configurations, options, &config, &output)?;

    told(Stage::Weights(&options.weights))?;
    let part = config.denoiser.part();
    let layers = match config.denoiser {
        Denoiser::UNet if options.weights.is_file() => {
            Layers::open_file(&options.weights, &Blocks::read(configurations)?)?
        }
        _ => Layers::open(&options.weights.join(part))?,
    };
    let merge = Merge::open(&options.merge, &options.weights)?;
    let merge = merge.as_ref();
    let fingerprint = attention::write(&layers, merge, &output.folder().join("attention.safetensors"))?;
    let sizes = Sizes::new(&config, text);
    let mut fixed = FixedSizes::default();
    let timestep = import_unets(options, (&layers, merge), &config, sizes, &mut fixed, output.folder(), &mut told)?;
    if let Some(given) = config.given.filter(|given| given.given.cross_attention_dim.is_some()) {
        import_projection(options, &layers, &config, given, output.folder())?;
    }
    let mut encoder: Option<Encoder> = None;
    for other in others::other_weights(&config) {
        let file = layout::graph_file(&options.onnx, other.name)?;
        told(Stage::Graph(&file))?;
        let with = (&config, sizes, &mut fixed);
        let done = others::import(&file, other, (options.storage, merge), with, output.folder())?;
        encoder = done.map(|own| encoder.map_or(own, |other| other.and(own))).or(encoder);
    }
    let encoder = encoder.unwrap_or_default();
    let fixed = fixed.manifest(&mut config.image, config.latent)?;
    told(Stage::Preview)?;
    let vae_encoder = output.folder().join(VAE_ENCODER);
    let preview = preview::fit(&vae_encoder, config.latent, config.vae, config.image, fixed)?;
    told(Stage::Check)?;
    check_all(options, (&config, &layers), encoder, output.folder())?;

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
    manifest.text_2 = text_2;
    manifest.given_text = config.given.map(|given| given.given);
    manifest.addition_embed_type = config.given.and_then(|given| given.addition_embed_type);
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
        compare(options, (output.folder(), config.denoiser), &mut manifest, &mut told)?;
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
    (folder, denoiser): (&Path, Denoiser),
    manifest: &mut Manifest,
    told: &mut dyn FnMut(Stage<'_>) -> cones_core::Result<()>,
) -> Result<()> {
    told(Stage::Compare)?;
    let (onnx, plain) = (options.onnx.as_path(), options.plain.as_deref());
    match (Beside { onnx, plain, folder, manifest, denoiser }).compare()? {
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

/// Writes the tokenizers, and opens each as an engine will.
fn write_tokenizers(
    configurations: &Path,
    options: &ImportOptions,
    config: &Config,
    output: &Output,
) -> Result<(Text, Option<SecondText>)> {
    if config.given.is_some() {
        // There are none: `text` says what an app's embeddings are to be.
        let tokens = given_text::tokens(&options.onnx, config.denoiser)?;
        return Ok((Text::new(tokens, config.text.hidden_size, [0; 3]), None));
    }
    let write = |name, encoder: &TextEncoder, file: &str| -> Result<Text> {
        let tokenizer = tokenizer::read(configurations, &options.onnx, name, encoder)?;
        output.write(file, &tokenizer.bytes)?;
        cones_core::text::tokenizer::Tokenizer::open(&output.folder().join(file), tokenizer.text)?;
        Ok(tokenizer.text)
    };
    let text = write("tokenizer", &config.text, TOKENIZER)?;
    let Some(second) = &config.second else { return Ok((text, None)) };
    let own = write("tokenizer_2", &second.encoder, TOKENIZER_2)?;
    second_text::same_length(configurations, text.max_length, own.max_length)?;
    let ids = [own.bos_token_id, own.eos_token_id, own.pad_token_id];
    let widths = [own.hidden_size, second.projection_dim];
    Ok((text, Some(SecondText::new(widths, ids, second.force_zeros_for_empty_prompt))))
}

/// Schedulers that stop between whole timesteps.
const BETWEEN: [Scheduler; 2] = [Scheduler::Euler, Scheduler::EulerAncestral];

/// What is asked for, and where nothing is, what suits the scheduler; not one that stops where the graph does not.
fn defaults(options: &ImportOptions, config: &Config, timestep: Timestep) -> Defaults {
    let own = config.sampling.scheduler;
    let own = if timestep != Timestep::Float && BETWEEN.contains(&own) { Scheduler::Ddim } else { own };
    let scheduler = options.scheduler.unwrap_or(own);
    let (takes_guidance, two_texts) = (config.time_cond_proj_dim.is_some(), config.second.is_some());
    let own = config.denoiser.suited();
    let (steps, guidance) =
        own.unwrap_or_else(|| scheduler::suited(scheduler, &config.sampling, takes_guidance, two_texts));
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
        let file = layout::graph_file(source, config.denoiser.part())?;
        told(Stage::Graph(&file))?;
        let mut model = Model::open(&file)?;
        graph::lift_constants(model.graph_mut()?);
        if let Timestep::Cut(element) = interface::canonicalise(&mut model, &interface_of(config))? {
            warn_of_cut(options, &file, element);
            timestep = Timestep::Cut(element);
        }
        fix_widths(&mut model, config)?;
        if config.denoiser.is_side_by_side() {
            side_by_side::take_channels(&mut model, config.latent.channels)?;
        }
        if let Some(width) = config.given.and_then(|given| given.given.cross_attention_dim) {
            let value = text_projection::find(model.graph()?, &file, layers.projections.len())?;
            text_projection::cut(&mut model, &value, width as usize)?;
        }
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

/// Writes what the network makes of a text before its layers do, as a graph of its own.
fn import_projection(
    options: &ImportOptions,
    layers: &Layers,
    config: &Config,
    given: GivenConfig,
    folder: &Path,
) -> Result<()> {
    const NAME: &str = "encoder_hid_proj";
    let file = layout::graph_file(&options.onnx, config.denoiser.part())?;
    let mut model = Model::open(&file)?;
    graph::lift_constants(model.graph_mut()?);
    interface::canonicalise(&mut model, &interface_of(config))?;
    let value = text_projection::find(model.graph()?, &file, layers.projections.len())?;
    let width = given.given.cross_attention_dim.unwrap_or(given.hidden_size);
    text_projection::keep(&mut model, &value, width as usize)?;
    strip::strip(&mut model.proto, NAME);
    store::store_alone(&mut model, options.storage, folder, &format!("{NAME}.weights"))?;
    save(model, folder, NAME)
}

/// What the U-Net takes.
fn interface_of(config: &Config) -> Interface {
    interface::unet(UnetTakes {
        guidance: config.time_cond_proj_dim.is_some(),
        pooled: config.second.is_some(),
        sizes: config.second.is_some() || config.given.is_some_and(|given| given.addition_embed_type.is_some()),
        mask: config.given.is_some_and(|given| given.given.encoder_attention_mask),
    })
}

/// What the U-Net is told beside a text has one width each, also where the export leaves it free.
fn fix_widths(model: &mut Model, config: &Config) -> Result<()> {
    let file = model.file().to_path_buf();
    let told = config.time_cond_proj_dim.map(|width| (interface::GUIDANCE, width as usize));
    let pooled = config.second.map(|second| (TEXT_EMBEDS, second.projection_dim as usize));
    let sizes = config.second.map(|_| (TIME_IDS, MicroConditions::TIME_IDS));
    let size = config.given.and_then(|given| given.addition_embed_type).map(|_| (TIME_IDS, 2));
    let graph = model.graph_mut()?;
    for (name, width) in [told, pooled, sizes, size].into_iter().flatten() {
        for input in graph.input.iter_mut().filter(|input| input.name() == name) {
            if let Some(exported) = info::sizes(input).get(1).copied().flatten().filter(|exported| *exported != width) {
                let reason = format!("`{name}` has {exported} numbers; its configuration says {width}");
                return Err(Error::interface(&file, reason));
            }
            info::fix_at(input, 1, width);
        }
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

/// Every projection takes what the text encoders give.
fn check_width(model: &Model, layers: &Layers, config: &Config) -> Result<()> {
    let given = config.context_size();
    let odd = layers.projections.iter().map(|p| &p.layer).find(|layer| layer.columns != given);
    match odd {
        None => Ok(()),
        Some(layer) => {
            let whose =
                if config.given.is_some() { "what the text is projected to has" } else { "the text encoder gives" };
            let reason = format!("has {} columns; {whose} {given}", layer.columns);
            Err(Error::layer(model.file(), &layer.name, reason))
        }
    }
}

fn declare_batch(folder: &Path, batch: u32) -> Result<()> {
    let graphs = [UNET, UNET_PLAIN].map(|name| [name.to_owned(), mapped_twin(name)]);
    let files = graphs.iter().flatten().map(|name| folder.join(name));
    files.filter(|file| file.is_file()).try_for_each(|file| fixed::declare_batch(&file, batch))
}

fn check_all(
    options: &ImportOptions,
    (config, layers): (&Config, &Layers),
    encoder: Encoder,
    folder: &Path,
) -> Result<()> {
    for other in others::other_weights(config) {
        let more = if other.kept.is_text() { encoder.more() } else { &[] };
        let file = format!("{}.onnx", other.name);
        for file in [folder.join(&file), folder.join(mapped_twin(&file))].iter().filter(|file| file.is_file()) {
            check::graph(file, other.kept, more)?;
        }
    }
    let names: Vec<&str> = layers.projections.iter().map(|projection| projection.layer.name.as_str()).collect();
    let unet = interface_of(config);
    check::graph(&folder.join(UNET), &unet, &names)?;
    if config.given.is_some_and(|given| given.given.cross_attention_dim.is_some()) {
        check::graph(&folder.join(ENCODER_HID_PROJ), &interface::ENCODER_HID_PROJ, &[])?;
    }
    match options.plain {
        Some(_) => check::graph(&folder.join(UNET_PLAIN), &unet, &names),
        None => Ok(()),
    }
}
