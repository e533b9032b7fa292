//! The graphs of a bundle, one after another.

use std::collections::{BTreeSet, HashSet};
use std::path::Path;

use cones_core::model::bundle::{
    EMBEDDING_OFFSETS, ENCODER_HID_PROJ, TEXT_ENCODER, TEXT_ENCODER_2, TOKENIZER, TOKENIZER_2, UNET, UNET_PLAIN,
    VAE_DECODER, VAE_ENCODER, mapped_twin,
};
use cones_core::model::form::Weights;
use cones_core::model::manifest::Manifest;
use cones_core::model::safety::SafetyClassifier;
use cones_core::{Bundle, CancelToken};
use cones_import::interface::UnetTakes;
use cones_import::store::{self, WeightsFile};
use cones_import::{Storage, check, interface, rows};
use cones_onnx::{Model, overridable};

use crate::calibrate::samples::Samples;
use crate::calibrate::{self, Loss, Ranges};
use crate::error::{Error, Result};
use crate::layer::{self, Key, Layer};
use crate::options::Calibration;
use crate::weights::{self, Done};
use crate::{attention, opset, qdq};

/// Weights shared by the U-Net's graphs.
const UNET_WEIGHTS: &str = "unet.weights";
/// Samples on which every layer is measured alone.
const MEASURED: usize = 4;

/// A small form that was made.
#[derive(Debug)]
pub struct Made {
    /// The small form's manifest.
    pub manifest: Manifest,
    /// What was done to each graph.
    pub graphs: Vec<(&'static str, Done)>,
    /// What the U-Net's activations were found to be, where they have 8 bits.
    pub fixed: Option<Static>,
}

/// What the U-Net's activations were found to be.
#[derive(Debug)]
pub struct Static {
    /// The ranges of every layer.
    pub ranges: Ranges,
    /// The layers of `unet.onnx`.
    pub layers: Vec<Layer>,
    /// What each loses; none where all of them have 8 bits whatever they lose.
    pub loss: Option<Loss>,
    /// The layers that stay in floating point.
    pub keep: BTreeSet<Key>,
}

/// Finds ranges on all samples and the layers that lose most on a few of them.
pub(super) fn calibrate(
    bundle: &Bundle,
    samples: &Samples,
    calibration: &Calibration,
    threads: Option<usize>,
    told: &mut dyn FnMut(usize, usize),
    cancel: &CancelToken,
) -> Result<Static> {
    let model = Model::open(&bundle.file(UNET)?)?;
    let layers = layer::find(&model)?;
    let ranges = calibrate::find(&model, &layers, &samples.unet, calibration.method, threads, cancel)?;
    if calibration.keep_float <= 0.0 {
        // Nothing hangs on what each layer loses.
        return Ok(Static { ranges, layers, loss: None, keep: BTreeSet::new() });
    }
    // Spread over prompts and timesteps.
    let every = samples.unet.len().div_ceil(MEASURED).max(1);
    let few: Vec<_> = samples.unet.iter().skip(every / 2).step_by(every).cloned().collect();
    let of = few.len() * layers.len();
    let mut told = |done: usize| told(done, of);
    let loss = calibrate::measure(&model, &layers, &ranges, &few, threads, &mut told, cancel)?;
    let keep = loss.worst(&layers, calibration.keep_float);
    Ok(Static { ranges, layers, loss: Some(loss), keep })
}

/// Writes the small form's files into `folder`. Returns what was done to each graph.
pub(super) fn write(
    bundle: &Bundle,
    folder: &Path,
    bits: Weights,
    fixed: Option<&Static>,
    cancel: &CancelToken,
) -> Result<Vec<(&'static str, Done)>> {
    for name in [TOKENIZER, TOKENIZER_2].iter().filter(|name| bundle.manifest().files.contains_key(**name)) {
        let tokenizer = bundle.file(name)?;
        std::fs::copy(&tokenizer, folder.join(name)).map_err(cones_core::Error::io("copy", &tokenizer))?;
    }
    if bundle.manifest().safety.is_some() {
        // As it is: its scores are compared with a threshold.
        let graph = bundle.file(SafetyClassifier::FILE)?;
        std::fs::copy(&graph, folder.join(SafetyClassifier::FILE)).map_err(cones_core::Error::io("copy", &graph))?;
    }
    attention::write(bundle, folder)?;
    let mut done = write_unets(bundle, folder, bits, fixed, cancel)?;
    for name in [TEXT_ENCODER, TEXT_ENCODER_2, ENCODER_HID_PROJ, VAE_DECODER, VAE_ENCODER] {
        cancel.check()?;
        if !bundle.manifest().files.contains_key(name) {
            continue;
        }
        let mut model = Model::open(&bundle.file(name)?)?;
        done.push((name, in_few_bits(&mut model, bits)?));
        let weights = format!("{}.weights", name.trim_end_matches(".onnx"));
        store::store_alone(&mut model, Storage::Float32, folder, &weights)?;
        save(model, folder, name)?;
    }
    check_all(bundle, folder)?;
    Ok(done)
}

/// Writes the graph, and its mapped twin where that is another one; a VAE's goes in blocks of rows.
fn save(mut model: Model, folder: &Path, name: &str) -> Result<()> {
    model.save(&folder.join(name))?;
    if list_weights(&mut model)? == 0 {
        return Ok(());
    }
    if [VAE_DECODER, VAE_ENCODER].contains(&name) {
        rows::cut(&mut model)?;
        // Rewriting takes the list away.
        list_weights(&mut model)?;
    }
    model.save(&folder.join(mapped_twin(name)))?;
    Ok(())
}

/// Lists weights as inputs too. What MatMulNBits reads stays constant: it packs its weights when it is loaded.
fn list_weights(model: &mut Model) -> Result<usize> {
    let Model { proto, source } = model;
    let Some(graph) = proto.graph.as_mut() else { return Ok(0) };
    let packed = graph.node.iter().filter(|n| n.op_type() == "MatMulNBits").flat_map(|n| n.input.iter().skip(1));
    let packed: HashSet<String> = packed.cloned().collect();
    Ok(overridable::list(graph, source, |weight| packed.contains(weight))?)
}

/// Does ONNX Runtime load what was written, and has it the inputs and outputs it had?
fn check_all(bundle: &Bundle, folder: &Path) -> Result<()> {
    let manifest = bundle.manifest();
    let layers: Vec<&str> = manifest.layers.iter().map(|layer| layer.name.as_str()).collect();
    let has_second = manifest.text_2.is_some();
    let unet = interface::unet(UnetTakes::of(manifest));
    for name in [UNET.to_owned(), UNET_PLAIN.to_owned(), mapped_twin(UNET)] {
        if folder.join(&name).exists() {
            check::graph(&folder.join(&name), &unet, &layers)?;
        }
    }
    let takes_offsets = if manifest.given_text.is_some() {
        false
    } else {
        let text = Model::open(&folder.join(TEXT_ENCODER))?;
        text.graph()?.input.iter().any(|input| input.name() == EMBEDDING_OFFSETS)
    };
    let more: &[&str] = if takes_offsets { &[EMBEDDING_OFFSETS] } else { &[] };
    for (name, interface, more) in [
        (TEXT_ENCODER, if has_second { &interface::FIRST_OF_TWO } else { &interface::TEXT_ENCODER }, more),
        (TEXT_ENCODER_2, &interface::SECOND_OF_TWO, &[]),
        (ENCODER_HID_PROJ, &interface::ENCODER_HID_PROJ, &[]),
        (VAE_DECODER, &interface::VAE_DECODER, &[]),
        (VAE_ENCODER, &interface::VAE_ENCODER, &[]),
    ] {
        for file in [folder.join(name), folder.join(mapped_twin(name))].iter().filter(|file| file.exists()) {
            check::graph(file, interface, more)?;
        }
    }
    Ok(())
}

/// The plain graph goes along where a provider that needs it takes the form: with fixed ranges.
fn write_unets(
    bundle: &Bundle,
    folder: &Path,
    bits: Weights,
    fixed: Option<&Static>,
    cancel: &CancelToken,
) -> Result<Vec<(&'static str, Done)>> {
    let mut weights = WeightsFile::create(folder, UNET_WEIGHTS)?;
    let mut done = Vec::new();
    let has_plain = fixed.is_some() && bundle.manifest().files.contains_key(UNET_PLAIN);
    for name in std::iter::once(UNET).chain(has_plain.then_some(UNET_PLAIN)) {
        cancel.check()?;
        let mut model = Model::open(&bundle.file(name)?)?;
        let rewritten = match fixed {
            Some(fixed) => in_fixed_ranges(&mut model, fixed)?,
            None => in_few_bits(&mut model, bits)?,
        };
        if rewritten.int8 + rewritten.int4 == 0 {
            let hint = "is it a U-Net with convolutions or linear layers?";
            return Err(Error::graph(model.file(), "it has no weights that can be kept in fewer bits", hint));
        }
        done.push((name, rewritten));
        store::store(&mut model, Storage::Float32, &mut weights)?;
        match fixed {
            // Providers that fuse fixed ranges take weights as constants alone.
            Some(_) => model.save(&folder.join(name))?,
            None => save(model, folder, name)?,
        }
    }
    weights.finish()?;
    Ok(done)
}

fn in_few_bits(model: &mut Model, bits: Weights) -> Result<Done> {
    let layers = layer::find(model)?;
    weights::rewrite(model, &layers, &BTreeSet::new(), bits == Weights::Int4)
}

/// Layers that the calibrated graph does not have stay as they are.
fn in_fixed_ranges(model: &mut Model, fixed: &Static) -> Result<Done> {
    let layers = layer::find(model)?;
    let unknown = layers.iter().map(|layer| layer.key).filter(|key| !fixed.ranges.contains_key(key));
    let keep: BTreeSet<Key> = fixed.keep.iter().copied().chain(unknown).collect();
    let done = qdq::rewrite(model, &layers, &fixed.ranges, &keep)?;
    opset::lower(model);
    Ok(done)
}
