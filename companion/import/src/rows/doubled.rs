//! A convolution of 3 × 3 behind a doubling, done before it: four convolutions of 2 × 2, one for each place that a pixel's
//! four copies have, with sums of the weights that would meet the same pixel. They take 16 products where there were 36.

use cones_onnx::proto::NodeProto;
use cones_onnx::{attribute, node, proto::AttributeProto};

use crate::rows::ink::Ink;
use crate::rows::parts::{attributes_with, pads};

/// Which of three weights in a line meet the first and the second of two pixels, at an even and at an odd place.
const MEETING: [[&[usize]; 2]; 2] = [[&[0], &[1, 2]], [&[0, 1], &[2]]];

/// Whether `before` doubles what `n` convolves in this way.
pub(super) fn fits(before: &NodeProto, n: &NodeProto) -> bool {
    let is = |name: &str, values: &[i64], default: bool| {
        attribute::get_ints(n, name).map_or(default, |found| found == values)
    };
    node::has_op(before, "Resize")
        && is("kernel_shape", &[3, 3], false)
        && is("pads", &[1; 4], false)
        && is("strides", &[1, 1], true)
        && is("dilations", &[1, 1], true)
        && node::int(n, "group").unwrap_or(1) == 1
}

/// The convolution `n` of the doubled block, whose rows above and below stand beside it.
pub(super) fn convolve(ink: &mut Ink, n: &NodeProto, around: &[Option<String>; 3]) -> String {
    let [above, block, below] = around.each_ref().map(|part| part.as_deref().unwrap_or(""));
    let lines = [ink.concat(&[above, block], 2), ink.concat(&[block, below], 2)];
    let weights = n.input.get(1).map_or("", String::as_str);
    let mut places = Vec::new();
    for (row, input) in lines.iter().enumerate() {
        for column in 0..2 {
            let kernel = ink.outside(|ink| kernel(ink, weights, row, column));
            let sides = if column == 0 { [0, 1, 0, 0] } else { [0, 0, 0, 1] };
            let inputs = [input.clone(), kernel].into_iter().chain(n.input.iter().skip(2).cloned()).collect();
            places.push(ink.again(n, inputs, attributes(n, sides)));
        }
    }
    let places: Vec<&str> = places.iter().map(String::as_str).collect();
    let stacked = ink.concat(&places, 1);
    ink.node_with("DepthToSpace", &[&stacked], vec![attribute::int("blocksize", 2)])
}

fn attributes(n: &NodeProto, sides: [i64; 4]) -> Vec<AttributeProto> {
    attributes_with(n, [("pads", pads(sides)), ("kernel_shape", attribute::ints("kernel_shape", &[2, 2]))].into())
}

/// The weights [out, in, 2, 2] for the pixels at one place, from those [out, in, 3, 3] of the convolution.
fn kernel(ink: &mut Ink, weights: &str, row: usize, column: usize) -> String {
    let mut sums = [0.0; 9 * 4];
    for (i, rows) in MEETING[row].iter().enumerate() {
        for (j, columns) in MEETING[column].iter().enumerate() {
            for (r, c) in rows.iter().flat_map(|r| columns.iter().map(move |c| (r, c))) {
                sums[(3 * r + c) * 4 + 2 * i + j] = 1.0;
            }
        }
    }
    let sums = ink.floats(&sums, &[9, 4]);
    let lined_up = ink.reshape(weights, &[0, 0, 9]);
    let summed = ink.node("MatMul", &[&lined_up, &sums]);
    ink.reshape(&summed, &[0, 0, 2, 2])
}
