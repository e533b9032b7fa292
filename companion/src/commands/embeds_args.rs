//! Embeddings in the place of prompts, from a file.

use std::path::{Path, PathBuf};

use clap::Args;
use cones_core::picture::recipe::Recipe;
use cones_core::{GivenEmbeds, PromptEmbeds};
use cones_onnx::element;
use cones_onnx::proto::tensor_proto::DataType;
use safetensors::{Dtype, SafeTensors};

use crate::failure::Failure;

/// The largest file that is read: 16 chunks of both prompts in float32, of wider models than there are.
const MOST_BYTES: u64 = 256 << 20;

/// Embeddings that a text encoder elsewhere made of the prompts.
#[derive(Debug, Args)]
pub(super) struct EmbedsArgs {
    /// Embeddings in the place of both prompts, which are not encoded then: a safetensors file with diffusers' `prompt_embeds`,
    /// `negative_prompt_embeds`, and of models of two text encoders `pooled_prompt_embeds` and `negative_pooled_prompt_embeds`. --prompt
    /// and --negative-prompt then are words for the recipe.
    #[arg(long, value_name = "FILE.safetensors", conflicts_with_all = ["prompts", "prompt_weights", "clip_skip"])]
    prompt_embeds: Option<PathBuf>,
    /// At which tokens of --prompt-embeds the words of a subject stand, from 0; may be given several times.
    #[arg(long, value_name = "NAME=N,N", value_parser = words, requires = "prompt_embeds")]
    words: Vec<(String, Vec<usize>)>,
}

impl EmbedsArgs {
    /// Reads them. A picture that was drawn from such is drawn again from nothing else.
    ///
    /// # Errors
    /// When the file is none of these, or a recipe asks for embeddings and none were given.
    pub(super) fn open(&self, old: Option<&Recipe>) -> Result<Option<GivenEmbeds>, Failure> {
        let Some(path) = &self.prompt_embeds else {
            return match old.and_then(|old| old.prompt_embeds_sha256) {
                Some(hash) => Err(Failure::Usage(format!(
                    "the picture was drawn from embeddings (SHA-256 {hash}), which are not in it: give them with --prompt-embeds FILE"
                ))),
                None => Ok(None),
            };
        };
        let given = read(path)?;
        Ok(Some(self.words.iter().fold(given, |given, (name, tokens)| given.with_words(name, tokens.clone()))))
    }
}

fn read(path: &Path) -> Result<GivenEmbeds, Failure> {
    let bad = |what: String| -> Failure { format!("embeddings `{}` {what}", path.display()).into() };
    let length = std::fs::metadata(path).map_err(cones_core::Error::io("open", path))?.len();
    if length > MOST_BYTES {
        return Err(bad(format!("are {length} bytes, more than {MOST_BYTES}")));
    }
    let bytes = std::fs::read(path).map_err(cones_core::Error::io("read", path))?;
    let tensors = SafeTensors::deserialize(&bytes).map_err(|error| bad(format!("are no safetensors file: {error}")))?;
    let embeds = |side: &str| -> Result<Option<PromptEmbeds>, Failure> {
        let Some(own) = values(&tensors, &format!("{side}prompt_embeds")).map_err(&bad)? else { return Ok(None) };
        let pooled = values(&tensors, &format!("{side}pooled_prompt_embeds")).map_err(&bad)?;
        Ok(Some(PromptEmbeds::new(own, pooled.unwrap_or_default())))
    };
    let given = GivenEmbeds::new(embeds("")?.ok_or_else(|| {
        let names = tensors.names().join(", ");
        bad(format!("have no tensor `prompt_embeds`, only {}", if names.is_empty() { "none" } else { &names }))
    })?);
    Ok(match embeds("negative_")? {
        Some(negative) => given.with_negative(negative),
        None => given,
    })
}

/// The numbers of a tensor of one prompt, if there is one of that name.
fn values(tensors: &SafeTensors<'_>, name: &str) -> Result<Option<Vec<f32>>, String> {
    let Ok(tensor) = tensors.tensor(name) else { return Ok(None) };
    let shape = tensor.shape();
    if shape.len() == 3 && shape.first() != Some(&1) {
        return Err(format!("hold `{name}` of {shape:?}, several prompts; give one of them"));
    }
    let kind = match tensor.dtype() {
        Dtype::F32 => DataType::Float,
        Dtype::F16 => DataType::Float16,
        Dtype::BF16 => DataType::Bfloat16,
        other => return Err(format!("hold `{name}` as {other}; float32, float16 and bfloat16 are read")),
    };
    Ok(element::to_f32(tensor.data(), kind as i32, usize::MAX))
}

fn words(text: &str) -> Result<(String, Vec<usize>), String> {
    let (name, tokens) = text.split_once('=').ok_or("must be NAME=N,N, as rex=4,5")?;
    let tokens =
        tokens.split(',').map(|token| token.trim().parse().map_err(|_| format!("`{token}` is no token's number")));
    Ok((name.trim().to_owned(), tokens.collect::<Result<_, _>>()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_a_name_and_numbers() {
        assert_eq!(words("rex=4, 5"), Ok(("rex".into(), vec![4, 5])));
        for wrong in ["rex", "rex=", "rex=a", "rex=-1", "rex=1,,2"] {
            assert!(words(wrong).is_err(), "{wrong}");
        }
    }
}
