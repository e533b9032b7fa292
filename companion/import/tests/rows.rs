//! A VAE in blocks of rows computes what it computed as a whole: Toybox's trained one, at every kind of size.

use cones_import::profile::{Sizes, estimate};
use cones_import::rows::{Rewritten, rewrite};
use cones_onnx::proto::NodeProto;
use cones_onnx::{Model, attribute, info, node, tensor};
use cones_tests::base;
use ort::session::Session;
use ort::value::Tensor;

/// Of results between -1 and 1; float32 keeps seven digits, and sums go in another order.
const TOLERANCE: f32 = 2e-5;

fn open(graph: &str) -> Model {
    Model::open(&base::folder().join(graph)).expect("Toybox's graph")
}

/// Channels of its latents.
fn channels() -> usize {
    base::bundle().manifest().latent.channels as usize
}

/// A graph that runs.
struct Runner {
    session: Session,
    _folder: tempfile::TempDir,
}

impl Runner {
    fn new(model: &Model) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("graph.onnx");
        model.save(&path).expect("a file");
        let environment = cones_core::runtime::raw::environment().expect("ONNX Runtime (`cargo xtask setup`)");
        let mut builder = Session::builder(&environment).expect("a session builder");
        Self { session: builder.commit_from_file(path).expect("a graph that loads"), _folder: folder }
    }

    /// Shape and values for a picture of this many channels, rows and columns.
    fn run(&mut self, [channels, rows, columns]: [usize; 3]) -> (Vec<i64>, Vec<f32>) {
        let name = self.session.inputs()[0].name().to_owned();
        // Neither symmetric nor repeating, about as large as latents and pictures are.
        let values: Vec<f32> =
            (0..channels * rows * columns).map(|at| ((at * 7919 % 10_007) as f32 / 5_003.5 - 1.0) * 1.5).collect();
        let input = Tensor::from_array((vec![1, channels, rows, columns], values)).expect("a tensor");
        let outputs = self.session.run(ort::inputs![name => input]).expect("a run");
        let (shape, values) = outputs[0].try_extract_tensor::<f32>().expect("real numbers");
        (shape.to_vec(), values.to_vec())
    }
}

fn assert_same(whole: &Model, blocks: &Model, channels: usize, sizes: &[[usize; 2]]) {
    let (mut whole, mut blocks) = (Runner::new(whole), Runner::new(blocks));
    for &[rows, columns] in sizes {
        let (expected, found) = (whole.run([channels, rows, columns]), blocks.run([channels, rows, columns]));
        assert_eq!(found.0, expected.0, "{rows} x {columns}");
        let differences = found.1.iter().zip(&expected.1).map(|(a, b)| (a - b).abs());
        let largest = differences.fold(0.0, f32::max);
        assert!(largest < TOLERANCE, "{rows} x {columns}: {largest}");
        assert!(found.1.iter().any(|value| value.abs() > 0.01), "{rows} x {columns}: there is something to compare");
    }
}

fn rewritten(graph: &str) -> (Model, Model) {
    let mut blocks = open(graph);
    assert!(matches!(rewrite(&mut blocks).expect("constants"), Rewritten::Blocks(_)));
    (open(graph), blocks)
}

#[test]
fn a_decoder_draws_the_same_picture_at_every_size() {
    let (whole, blocks) = rewritten("vae_decoder.onnx");
    // One row of blocks, odd sizes, one block of every number of rows, wide and high ones.
    assert_same(&whole, &blocks, channels(), &[[16, 16], [1, 1], [2, 3], [3, 9], [9, 4], [31, 5]]);
}

#[test]
fn an_encoder_sees_the_same_latent_at_every_size() {
    let (whole, blocks) = rewritten("vae_encoder.onnx");
    let scale = base::bundle().manifest().latent.scale as usize;
    let sizes = [[16, 16], [1, 1], [2, 3], [3, 9], [9, 4]].map(|size| size.map(|side| side * scale));
    assert_same(&whole, &blocks, 3, &sizes);
}

#[test]
fn norms_that_are_spelled_out_go_in_blocks_too() {
    let mut whole = open("vae_decoder.onnx");
    spell_out(&mut whole);
    let mut blocks = open("vae_decoder.onnx");
    spell_out(&mut blocks);
    let passes = rewrite(&mut blocks).expect("constants");
    assert_eq!(passes, rewrite(&mut open("vae_decoder.onnx")).expect("constants"), "as many passes");
    assert_same(&whole, &blocks, channels(), &[[4, 4], [3, 5]]);
}

#[test]
fn weights_that_are_listed_as_inputs_do_no_harm() {
    let mut blocks = open("vae_decoder.onnx");
    let graph = blocks.graph_mut().expect("a graph");
    let weights: Vec<_> = graph.initializer.iter().map(|weight| info::untyped(weight.name())).collect();
    graph.input.extend(weights);
    assert!(matches!(rewrite(&mut blocks).expect("constants"), Rewritten::Blocks(_)));
    assert_same(&open("vae_decoder.onnx"), &blocks, channels(), &[[3, 2]]);
}

#[test]
fn every_large_convolution_is_in_a_pass() {
    let (whole, blocks) = rewritten("vae_decoder.onnx");
    let outside =
        |model: &Model, op: &str| model.graph().expect("a graph").node.iter().filter(|n| node::has_op(n, op)).count();
    let Rewritten::Blocks(passes) = rewrite(&mut open("vae_decoder.onnx")).expect("constants") else { unreachable!() };
    assert_eq!(outside(&blocks, "Scan"), passes);
    // The two largest resolutions are drawn in passes.
    assert_eq!(
        outside(&blocks, "Resize"),
        outside(&whole, "Resize") - 2,
        "what is doubled for them is doubled in passes"
    );
    let nodes = &whole.graph().expect("a graph").node;
    let doubled: Vec<usize> = (0..nodes.len()).filter(|at| node::has_op(&nodes[*at], "Resize")).collect();
    let large = &nodes[doubled[doubled.len() - 2]..];
    let large = large.iter().filter(|n| node::has_op(n, "Conv")).count();
    assert!(large > 0 && outside(&blocks, "Conv") == outside(&whole, "Conv") - large);
    let mut again = blocks;
    assert!(matches!(rewrite(&mut again).expect("constants"), Rewritten::Left(_)), "a second time");
}

#[test]
fn a_bundles_memory_profile_knows_of_the_blocks() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (whole, blocks) = rewritten("vae_decoder.onnx");
    whole.save(&folder.path().join("vae_decoder.onnx")).expect("a file");
    let sizes = Sizes { height: 64, width: 64, scale: 4, multiple: 4, tokens: 32 };
    let peaks = |folder: &std::path::Path| {
        let profile = estimate(folder, sizes).expect("a profile");
        profile.graphs["vae_decoder.onnx"].points.iter().map(|point| point.mapped).collect::<Vec<u64>>()
    };
    let as_a_whole = peaks(folder.path());
    blocks.save(&folder.path().join("vae_decoder.mapped.onnx")).expect("a file");
    let in_blocks = peaks(folder.path());
    assert_eq!(in_blocks.len(), as_a_whole.len());
    for (blocks, whole) in in_blocks.iter().zip(&as_a_whole) {
        assert!(*blocks > 0 && blocks * 10 < whole * 8, "{in_blocks:?} in blocks, {as_a_whole:?} as a whole");
    }
}

/// The reason why an edited decoder stays as it is.
fn left(edit: impl Fn(&mut NodeProto)) -> String {
    let mut model = open("vae_decoder.onnx");
    model.graph_mut().expect("a graph").node.iter_mut().for_each(edit);
    let before = model.proto.clone();
    let Rewritten::Left(reason) = rewrite(&mut model).expect("constants") else { panic!("it was rewritten") };
    assert!(model.proto == before, "nothing is changed");
    reason
}

fn set(n: &mut NodeProto, new: cones_onnx::proto::AttributeProto) {
    n.attribute.retain(|old| old.name() != new.name());
    n.attribute.push(new);
}

#[test]
fn graphs_of_another_shape_stay_as_they_are_with_a_reason() {
    let wide = left(|n| {
        if node::has_op(n, "Conv") {
            set(n, attribute::ints("dilations", &[2, 2]));
        }
    });
    assert!(wide.contains("resolutions") || wide.contains("Conv"), "{wide}");
    let smooth = left(|n| {
        if node::has_op(n, "Resize") {
            set(n, attribute::text("mode", "linear"));
        }
    });
    assert!(smooth.contains("resolution"), "{smooth}");
    let strange = left(|n| {
        if node::has_op(n, "Sigmoid") {
            n.op_type = Some("Softmax".into());
        }
    });
    assert!(strange.contains("Softmax") && strange.contains("cannot be done in blocks"), "{strange}");
    let mut circle = open("vae_decoder.onnx");
    circle.graph_mut().expect("a graph").node.reverse();
    assert!(matches!(rewrite(&mut circle).expect("constants"), Rewritten::Left(_)), "an order that no graph has");
    let mut old = open("vae_decoder.onnx");
    for set in &mut old.proto.opset_import {
        set.version = Some(13);
    }
    let Rewritten::Left(reason) = rewrite(&mut old).expect("constants") else { panic!("it was rewritten") };
    assert!(reason.contains("opset 13"), "{reason}");
}

/// Writes each `GroupNormalization` as exporters do where there is none.
fn spell_out(model: &mut Model) {
    let graph = model.graph_mut().expect("a graph");
    for n in std::mem::take(&mut graph.node) {
        if !node::has_op(&n, "GroupNormalization") {
            graph.node.push(n);
            continue;
        }
        let (groups, output) = (node::int(&n, "num_groups").expect("groups"), n.output[0].clone());
        let name = |part: &str| format!("{output}.{part}");
        let numbers = |part: &str, value: f32| {
            let bytes = vec![value; groups as usize].iter().flat_map(|number| number.to_le_bytes()).collect();
            tensor::raw(&name(part), 1, &[groups], bytes)
        };
        graph.initializer.push(numbers("ones", 1.0));
        graph.initializer.push(numbers("zeros", 0.0));
        graph.initializer.push(tensor::int64s(&name("apart"), &[3], &[0, groups, -1]));
        // A number for each channel, beside rows and columns; the attention's norm is of three dimensions.
        let is_flat = n.input[0] == "view";
        let shape: &[i64] = if is_flat { &[-1, 1] } else { &[-1, 1, 1] };
        for (part, source) in [("scale", &n.input[1]), ("shift", &n.input[2])] {
            let mut value =
                graph.initializer.iter().find(|tensor| tensor.name() == source).expect("a constant").clone();
            value.name = Some(name(part));
            value.dims = shape.iter().map(|size| if *size < 0 { value.dims[0] } else { *size }).collect();
            graph.initializer.push(value);
        }
        let epsilon = node::float(&n, "epsilon").unwrap_or(1e-5);
        let mut normed =
            node::new("InstanceNormalization", &[&name("flat"), &name("ones"), &name("zeros")], &name("normed"));
        normed.attribute.push(attribute::float("epsilon", epsilon));
        graph.node.extend([
            node::new("Reshape", &[&n.input[0], &name("apart")], &name("flat")),
            normed,
            node::new("Shape", &[&n.input[0]], &name("shape")),
            node::new("Reshape", &[&name("normed"), &name("shape")], &name("back")),
            node::new("Mul", &[&name("back"), &name("scale")], &name("scaled")),
            node::new("Add", &[&name("scaled"), &name("shift")], &output),
        ]);
    }
}
