//! Networks that draw beside a picture: they take two latents side by side, and what is drawn is the left one.
//!
//! DreamLite was trained so for drawing and for changing pictures: on the right lies the latent of the picture that is to be
//! changed, or nothing. Here it draws, so the right half is zeros, and the graph adds and cuts it off itself.

use cones_onnx::proto::tensor_proto::DataType;
use cones_onnx::{Model, info, names, node, tensor};

use crate::error::{Error, Result};
use crate::interface;

/// The dimension along which the two lie.
const WIDTH: usize = 3;

/// Has the graph take and give the left half.
///
/// # Errors
/// When the export has fixed an odd width.
pub(super) fn take_left(model: &mut Model) -> Result<()> {
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
    // What exporters noted of values inside is of both halves, under the name of one.
    graph.value_info.clear();
    let mut free = |name: &str| names::free(graph, name);
    let [shape, zero, zeros, pair, all, from, at, width, axis] = [
        "sample.shape",
        "sample.zero",
        "sample.right",
        "sample.pair",
        "out_sample.pair",
        "out_sample.from",
        "sample.width_at",
        "sample.width",
        "sample.axis",
    ]
    .map(&mut free);
    names::redirect(graph, sample, &pair);
    names::rename(graph, output, &all);
    for value in graph.output.iter_mut().filter(|value| value.name() == all) {
        value.name = Some(output.to_owned());
    }
    graph.initializer.extend([
        tensor::raw(&zero, DataType::Float as i32, &[], 0.0f32.to_le_bytes().to_vec()),
        tensor::int64s(&from, &[1], &[0]),
        tensor::int64s(&at, &[1], &[WIDTH as i64]),
        tensor::int64s(&axis, &[1], &[WIDTH as i64]),
    ]);
    let before = [
        node::new("Shape", &[sample], &shape),
        node::new("Gather", &[&shape, &at], &width),
        node::new("Expand", &[&zero, &shape], &zeros),
        node::with_int(node::new("Concat", &[sample, &zeros], &pair), "axis", WIDTH as i64),
    ];
    graph.node.splice(0..0, before);
    graph.node.push(node::new("Slice", &[&all, &from, &width, &axis], output));
    Ok(())
}
