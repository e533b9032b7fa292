//! Networks that draw beside a picture: they take two latents side by side, and what is drawn is the left one.
//!
//! DreamLite was trained so for drawing and for changing pictures: on the right lies the latent of the picture that is to be
//! changed, or zeros. The graph of a bundle takes the two as channels, as other networks take what they are given beside a noisy
//! latent; it puts them side by side, and gives the left half.

use cones_onnx::{Model, info, names, node, tensor};

use crate::error::{Error, Result};
use crate::interface;

/// The dimension along which the two lie in the graph of a bundle.
const CHANNELS: usize = 1;
/// And inside.
const WIDTH: usize = 3;

/// Has the graph take two latents of so many channels one behind the other, and give the left one.
///
/// # Errors
/// When the export has fixed an odd width.
pub(super) fn take_channels(model: &mut Model, channels: u32) -> Result<()> {
    let file = model.file().to_path_buf();
    let graph = model.graph_mut()?;
    let (sample, output) = (interface::SAMPLE.name, interface::OUT.name);
    for value in graph.input.iter_mut().filter(|input| input.name() == sample).chain(&mut graph.output) {
        let Some(both) = info::sizes(value).get(WIDTH).copied().flatten() else { continue };
        if both % 2 != 0 {
            let reason = format!("`{}` is {both} cells wide, which are no two halves", value.name());
            return Err(Error::interface(&file, reason));
        }
        info::fix_at(value, WIDTH, both / 2);
    }
    for input in graph.input.iter_mut().filter(|input| input.name() == sample) {
        info::fix_at(input, CHANNELS, 2 * channels as usize);
    }
    // What exporters noted of values inside is of both halves, under the name of one.
    graph.value_info.clear();
    let mut free = |name: &str| names::free(graph, name);
    let [left, right, pair, all, shape, width] =
        ["sample.left", "sample.right", "sample.pair", "out_sample.pair", "sample.shape", "sample.width"]
            .map(&mut free);
    let [zero, own, twice, channel_axis, width_axis] =
        ["sample.zero", "sample.own", "sample.twice", "sample.channel_axis", "sample.width_axis"].map(&mut free);
    names::redirect(graph, sample, &pair);
    names::rename(graph, output, &all);
    for value in graph.output.iter_mut().filter(|value| value.name() == all) {
        value.name = Some(output.to_owned());
    }
    let channels = i64::from(channels);
    let numbers = [
        (&zero, 0),
        (&own, channels),
        (&twice, 2 * channels),
        (&channel_axis, CHANNELS as i64),
        (&width_axis, WIDTH as i64),
    ];
    graph.initializer.extend(numbers.map(|(name, number)| tensor::int64s(name, &[1], &[number])));
    let before = [
        node::new("Slice", &[sample, &zero, &own, &channel_axis], &left),
        node::new("Slice", &[sample, &own, &twice, &channel_axis], &right),
        node::with_int(node::new("Concat", &[&left, &right], &pair), "axis", WIDTH as i64),
        node::new("Shape", &[sample], &shape),
        node::new("Gather", &[&shape, &width_axis], &width),
    ];
    graph.node.splice(0..0, before);
    graph.node.push(node::new("Slice", &[&all, &zero, &width, &width_axis], output));
    Ok(())
}
