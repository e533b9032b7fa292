//! Kinds of folders.

use std::path::Path;

use crate::denoiser::Denoiser;
use crate::kind::Kind;

pub(super) fn kind(folder: &Path) -> Kind {
    let has = |name: &str| folder.join(name).exists();
    if has("bundle.json") {
        Kind::Bundle
    } else if (has("unet/config.json") && !has("unet/model.onnx"))
        || (is_sana(folder) && !has("transformer/model.onnx"))
    {
        Kind::Pipeline
    } else if [
        "unet/model.onnx",
        "unet.onnx",
        "transformer/model.onnx",
        "transformer.onnx",
        "text_encoder.onnx",
        "vae_decoder.onnx",
    ]
    .iter()
    .any(|name| has(name))
    {
        Kind::OnnxFolder
    } else if has("model_index.json") {
        Kind::OtherPipeline
    } else if has("config.json") && has_weights(folder) {
        Kind::PipelinePart
    } else {
        Kind::Unknown
    }
}

/// Whether its transformer is one that can be imported.
fn is_sana(folder: &Path) -> bool {
    Denoiser::read(folder).is_ok_and(|(denoiser, _)| denoiser == Denoiser::Sana)
}

fn has_weights(folder: &Path) -> bool {
    let names = folder.read_dir().into_iter().flatten().flatten().map(|entry| entry.file_name());
    names.into_iter().any(|name| name.to_string_lossy().starts_with("diffusion_pytorch_model"))
}
