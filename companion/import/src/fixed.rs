//! Sizes that an export has fixed: how many samples a run takes, and how large pictures are.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use cones_core::model::manifest::{Fixed, ImageSize, Latent};
use cones_onnx::proto::{GraphProto, ValueInfoProto};
use cones_onnx::{Model, info, names, node, tensor};

use crate::error::{Error, Result};
use crate::interface::Interface;
use crate::projection::TEXT;

/// What the graphs looked at so far have fixed, each with the graph that did.
#[derive(Debug, Default)]
pub(super) struct FixedSizes {
    batch: Option<(usize, PathBuf)>,
    width: Option<(usize, PathBuf)>,
    height: Option<(usize, PathBuf)>,
}

impl FixedSizes {
    /// Looks at a U-Net, whose batch the engine follows. Its text must be as long as prompts are.
    ///
    /// # Errors
    /// When inputs are fixed to sizes that do not go together.
    pub(super) fn learn_unet(&mut self, model: &Model, tokens: u32, latent: Latent) -> Result<()> {
        let file = model.file();
        for input in &model.graph()?.input {
            let sizes = info::sizes(input);
            self.agree("samples in a run", sizes.first().copied().flatten(), file, |fixed| &mut fixed.batch)?;
            match (input.name(), sizes.as_slice()) {
                ("sample", &[_, _, height, width]) => self.learn(file, [height, width], latent.scale)?,
                (TEXT, &[_, length, _]) => check_tokens(file, length, tokens)?,
                _ => {}
            }
        }
        Ok(())
    }

    /// Looks at a graph that takes `cells` of a latent, or pixels, and makes it take one sample.
    ///
    /// # Errors
    /// When it is fixed to other sizes than another graph.
    pub(super) fn learn_other(
        &mut self,
        model: &mut Model,
        interface: &Interface,
        tokens: u32,
        pixels: u32,
    ) -> Result<()> {
        let file = model.file().to_path_buf();
        let graph = model.graph_mut()?;
        let Some(port) = interface.inputs.first() else { return Ok(()) };
        let sizes = graph.input.iter().find(|input| input.name() == port.name).map_or_else(Vec::new, info::sizes);
        match *sizes.as_slice() {
            [_, _, height, width] => self.learn(&file, [height, width], pixels)?,
            [_, length] => check_tokens(&file, length, tokens)?,
            _ => {}
        }
        if let Some(batch) = sizes.first().copied().flatten().filter(|batch| *batch > 1) {
            log::warn!("`{}` takes {batch} samples in every run; all but one are thrown away", file.display());
            take_one(graph, port.name, interface.output.name, sizes.len(), batch);
        }
        Ok(())
    }

    fn learn(&mut self, file: &Path, [height, width]: [Option<usize>; 2], pixels: u32) -> Result<()> {
        let pixels = |side: Option<usize>| side.map(|side| side.saturating_mul(pixels as usize));
        self.agree("pixels in height", pixels(height), file, |fixed| &mut fixed.height)?;
        self.agree("pixels in width", pixels(width), file, |fixed| &mut fixed.width)
    }

    fn agree(
        &mut self,
        what: &str,
        size: Option<usize>,
        file: &Path,
        of: impl Fn(&mut Self) -> &mut Option<(usize, PathBuf)>,
    ) -> Result<()> {
        let Some(size) = size else { return Ok(()) };
        match of(self) {
            Some((known, other)) if *known != size => {
                let reason = format!("it was exported for {size} {what}, `{}` for {known}", other.display());
                Err(Error::interface(file, reason))
            }
            known => {
                *known = Some((size, file.to_path_buf()));
                Ok(())
            }
        }
    }

    /// What the manifest says of it. Pictures are of the fixed size then, whatever the model was trained on.
    ///
    /// # Errors
    /// When a fixed side is no multiple of what the U-Net halves.
    pub(super) fn manifest(&self, image: &mut ImageSize, latent: Latent) -> Result<Fixed> {
        let number = |fixed: &Option<(usize, PathBuf)>| fixed.as_ref().and_then(|(n, _)| u32::try_from(*n).ok());
        let mut found = Fixed::default();
        found.batch = number(&self.batch);
        (found.width, found.height) = (number(&self.width), number(&self.height));
        for (side, fixed, trained) in
            [("width", &self.width, &mut image.width), ("height", &self.height, &mut image.height)]
        {
            let Some((size, file)) = fixed else { continue };
            if !u32::try_from(*size).is_ok_and(|size| size > 0 && size.is_multiple_of(latent.multiple)) {
                let reason =
                    format!("it was exported for a {side} of {size} pixels, no multiple of {}", latent.multiple);
                return Err(Error::interface(file, reason));
            }
            let size = u32::try_from(*size).unwrap_or(*trained);
            if size != *trained {
                log::warn!("the {side} is fixed at {size} pixels; the model was trained on {trained}");
            }
            *trained = size;
        }
        Ok(found)
    }
}

fn check_tokens(file: &Path, length: Option<usize>, tokens: u32) -> Result<()> {
    match length.filter(|length| u32::try_from(*length) != Ok(tokens)) {
        None => Ok(()),
        Some(length) => {
            let reason = format!("it was exported for prompts of {length} tokens; the tokenizer makes {tokens}");
            Err(Error::interface(file, reason))
        }
    }
}

/// Declares the inputs of a written U-Net for so many samples, which is what it takes whatever it said.
///
/// # Errors
/// When it cannot be read or written.
pub(super) fn declare_batch(file: &Path, batch: u32) -> Result<()> {
    let mut model = Model::open(file)?;
    let graph = model.graph_mut()?;
    let weights: HashSet<&str> = graph.initializer.iter().map(|weight| weight.name()).collect();
    for input in graph.input.iter_mut().filter(|input| !weights.contains(input.name())) {
        info::fix_at(input, 0, usize::try_from(batch).unwrap_or(1));
    }
    let written = file.with_extension("fixed");
    model.save(&written)?;
    // The old file is mapped as long as the model lives.
    drop(model);
    std::fs::rename(&written, file).map_err(Error::io("write", file))
}

/// Repeats the one sample that is given as often as the graph takes it, and gives the first of what comes out.
fn take_one(graph: &mut GraphProto, input: &str, output: &str, rank: usize, batch: usize) {
    let number = |number: usize| i64::try_from(number).unwrap_or(i64::MAX);
    let constant = |graph: &mut GraphProto, name: &str, values: &[i64]| {
        let name = names::free(graph, name);
        graph.initializer.push(tensor::int64s(&name, &[number(values.len())], values));
        name
    };
    let mut shape = vec![1; rank];
    shape[0] = number(batch);
    let shape = constant(graph, &format!("{input}.samples"), &shape);
    let repeated = names::free(graph, &format!("{input}.repeated"));
    names::redirect(graph, input, &repeated);
    graph.node.insert(0, node::new("Expand", &[input, &shape], &repeated));
    let all = names::free(graph, &format!("{output}.all"));
    names::rename(graph, output, &all);
    let [from, to] = [0, 1].map(|at| constant(graph, &format!("{output}.bound_{at}"), &[at]));
    let axis = from.clone();
    graph.node.push(node::new("Slice", &[&all, &from, &to, &axis], output));
    let fix = |value: &mut ValueInfoProto| info::fix_at(value, 0, 1);
    graph.input.iter_mut().filter(|value| value.name() == input).for_each(fix);
    for value in graph.output.iter_mut().filter(|value| value.name() == all) {
        value.name = Some(output.to_owned());
        fix(value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sizes(width: usize) -> FixedSizes {
        let mut sizes = FixedSizes::default();
        sizes.learn(Path::new("unet.onnx"), [None, Some(width)], 8).expect("the first");
        sizes
    }

    #[test]
    fn graphs_of_different_sizes_are_refused_with_both_names() {
        let mut sizes = sizes(8);
        assert!(sizes.learn(Path::new("vae_decoder.onnx"), [Some(4), Some(8)], 8).is_ok());
        let error = sizes.learn(Path::new("vae_encoder.onnx"), [None, Some(128)], 1).expect_err("another width");
        let error = error.to_string();
        for part in ["vae_encoder.onnx", "128 pixels in width", "vae_decoder.onnx", "for 64"] {
            assert!(error.contains(part), "{error}");
        }
    }

    #[test]
    fn the_fixed_size_is_what_is_drawn() -> Result<()> {
        let latent = Latent { channels: 4, scale: 8, multiple: 16 };
        let mut image = ImageSize { width: 512, height: 512 };
        let fixed = sizes(8).manifest(&mut image, latent)?;
        assert_eq!((fixed.width, fixed.height, fixed.batch), (Some(64), None, None));
        assert_eq!((image.width, image.height), (64, 512));
        let error = sizes(9).manifest(&mut image, latent).expect_err("no multiple").to_string();
        assert!(error.contains("a width of 72 pixels, no multiple of 16"), "{error}");
        Ok(())
    }
}
