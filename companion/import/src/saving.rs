//! Writing a graph as devices take it.

use std::path::Path;

use cones_core::model::bundle::{UNET_PLAIN, VAE_DECODER, VAE_ENCODER, mapped_twin};
use cones_onnx::{Model, overridable};

use crate::error::Result;
use crate::sizes::Sizes;
use crate::{multihead, rows};

/// Writes attention as the node that needs little memory, and says what was left as it is.
pub(super) fn fuse_attention(model: &mut Model, sizes: Sizes) -> Result<()> {
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
pub(super) fn save(mut model: Model, folder: &Path, name: &str) -> Result<()> {
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
