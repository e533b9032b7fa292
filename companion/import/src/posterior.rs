//! What a VAE encoder gives: the latent's mean, or mean and log variance one behind the other, as optimum exports them.

use cones_onnx::proto::GraphProto;
use cones_onnx::{Model, info, names, node, tensor};

use crate::error::{Error, Result};
use crate::interface::VAE_ENCODER;
use crate::sizes::Sizes;

/// Makes an encoder that gives mean and log variance give the mean. `channels` are the latent's.
///
/// # Errors
/// When it gives neither so many channels nor twice as many.
pub(super) fn take_mean(model: &mut Model, channels: u32, sizes: Sizes) -> Result<()> {
    let output = VAE_ENCODER.output.name;
    let Some(given) = given_channels(model, output, sizes)? else { return Ok(()) };
    let channels = channels as usize;
    if given == channels {
        return Ok(());
    }
    if given != 2 * channels {
        let reason = format!(
            "the latent has {given} channels; expected are {channels}, the mean, or {}, mean and log variance",
            2 * channels
        );
        return Err(Error::interface(model.file(), reason));
    }
    cut(model.graph_mut()?, output, channels);
    Ok(())
}

/// The channels of the output; `None` where ONNX Runtime cannot tell them either, which a later check finds out.
fn given_channels(model: &Model, output: &str, sizes: Sizes) -> Result<Option<usize>> {
    let declared = model.graph()?.output.iter().find(|value| value.name() == output);
    let declared = declared.and_then(|value| info::sizes(value).get(1).copied().flatten());
    if declared.is_some() {
        return Ok(declared);
    }
    let shapes = sizes.infer(model);
    Ok(shapes.ok().and_then(|shapes| shapes.get(output)?.dims.get(1).copied()))
}

/// The first channels alone.
fn cut(graph: &mut GraphProto, output: &str, channels: usize) {
    let whole = names::free(graph, &format!("{output}.parameters"));
    names::rename(graph, output, &whole);
    let bounds = [("from", 0), ("to", i64::try_from(channels).unwrap_or(i64::MAX)), ("axis", 1)];
    let bounds = bounds.map(|(what, number)| {
        let name = names::free(graph, &format!("{output}.mean_{what}"));
        graph.initializer.push(tensor::int64s(&name, &[1], &[number]));
        name
    });
    graph.node.push(node::new("Slice", &[&whole, &bounds[0], &bounds[1], &bounds[2]], output));
    for value in graph.output.iter_mut().filter(|value| value.name() == whole) {
        value.name = Some(output.to_owned());
        info::fix_at(value, 1, channels);
    }
}
