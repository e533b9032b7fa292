//! U-Nets that cannot be differentiated, and steps that do not fit theirs.

use std::fs;
use std::path::Path;

use cones_core::{Bundle, CancelToken, ExecutionProvider, Provider};
use cones_gradient::{Batch, Error, GradientOptions, Sizes, UnetGradient};
use cones_onnx::info::{self, Shape};
use cones_onnx::proto::tensor_proto::DataType;
use cones_onnx::{node, tensor};
use tempfile::TempDir;

use crate::fixture::{arguments, edit_graph, export, run, temporary};

const SIZES: Sizes = Sizes { batch: 2, height: 8, width: 8, tokens: 8 };

/// The bundle of the import fixtures. It lies in the folder that is returned with it.
fn tiny() -> (TempDir, Bundle) {
    let (export, out) = (export("fused"), temporary());
    let args = arguments(export.path(), &out.path().join("bundle"));
    run(&args).unwrap_or_else(|error| panic!("{error}"));
    let bundle = Bundle::open(&args.out).expect("a bundle");
    (out, bundle)
}

fn options() -> GradientOptions {
    GradientOptions { threads: Some(1), ..GradientOptions::default() }
}

fn refusal(bundle: &Bundle, file: &Path, sizes: Sizes) -> String {
    let found = UnetGradient::of_file(bundle, file, sizes, &options());
    let error = found.expect_err("an error");
    format!("{error}; {}", error.hint().unwrap_or_default())
}

#[test]
fn a_quantised_unet_is_told_by_its_first_quantising_node() {
    let (_folder, bundle) = tiny();
    let file = bundle.file("unet.onnx").expect("a graph");
    edit_graph(&file, |graph| {
        let maker = graph.node.iter_mut().flat_map(|n| &mut n.output).find(|output| *output == "out_sample");
        *maker.expect("what makes the output") = "real".into();
        let scale = 0.01f32.to_le_bytes().to_vec();
        graph.initializer.push(tensor::raw("scale", DataType::Float as i32, &[], scale));
        graph.initializer.push(tensor::raw("zero", DataType::Uint8 as i32, &[], vec![128]));
        graph.node.push(node::new("QuantizeLinear", &["real", "scale", "zero"], "quantised"));
        graph.node.push(node::new("DequantizeLinear", &["quantised", "scale", "zero"], "out_sample"));
    });
    let text = refusal(&bundle, &file, SIZES);
    assert!(text.contains("`quantised/QuantizeLinear` (QuantizeLinear) has no derivative rule"), "{text}");
    assert!(text.contains("export the model without optimising or quantising it"), "{text}");
}

#[test]
fn a_graph_without_keys_and_values_is_told() {
    let (_folder, bundle) = tiny();
    let export = export("fused");
    let text = refusal(&bundle, &export.path().join("unet.onnx"), SIZES);
    let layer = &bundle.manifest().layers[0].name;
    assert!(text.contains(&format!("`{layer}` is no input of the graph")) && text.contains("cones import"), "{text}");
}

#[test]
fn sizes_that_do_not_fit_are_told() {
    let (_folder, bundle) = tiny();
    let file = bundle.file("unet.onnx").expect("a graph");
    let text = refusal(&bundle, &file, Sizes { batch: 0, ..SIZES });
    assert!(text.contains("none of them may be zero"), "{text}");
    // Not a multiple of what the U-Net halves it by.
    let text = refusal(&bundle, &file, Sizes { height: 7, ..SIZES });
    assert!(text.contains("unet.onnx"), "{text}");
}

#[test]
fn a_unet_with_keys_of_another_width_is_told() {
    let (_folder, bundle) = tiny();
    let name = bundle.manifest().layers[0].name.clone();
    let file = bundle.file("unet.onnx").expect("a graph");
    edit_graph(&file, |graph| {
        let input = graph.input.iter_mut().find(|input| input.name() == name).expect("a layer");
        *input = info::tensor(&name, &Shape { element: DataType::Float as i32, dims: vec![2, 8, 5] });
    });
    let text = refusal(&bundle, &file, SIZES);
    assert!(text.contains(&format!("`{name}` has shape [2, 8, 5], which")), "{text}");
}

#[test]
fn lists_of_the_wrong_length_are_named() {
    let (_folder, bundle) = tiny();
    let mut unet = UnetGradient::new(&bundle, SIZES, &options()).expect("a derivative");
    let layers = &bundle.manifest().layers;
    let keys: Vec<Vec<f32>> = layers.iter().map(|layer| vec![0.1; 2 * 8 * layer.rows as usize]).collect();
    let mut wrong = keys.clone();
    wrong[1].pop();
    let latent = vec![0.5; 2 * 4 * 8 * 8];
    let whole = Batch {
        sample: &latent,
        timesteps: &[1.0, 2.0],
        keys_values: &keys,
        target: &latent,
        text_embeds: &[],
        weights: &[1.0, 1.0],
    };
    let table = [
        (Batch { sample: &latent[1..], ..whole }, "`sample` takes 512 numbers, and 511 were given".to_owned()),
        (Batch { timesteps: &[1.0, 2.0, 3.0], ..whole }, "`timestep` takes".to_owned()),
        (Batch { target: &[], ..whole }, "`target` takes 512 numbers, and 0 were given".to_owned()),
        (Batch { weights: &[1.0], ..whole }, "`weights` takes 2 numbers, and 1 were given".to_owned()),
        (Batch { keys_values: &keys[1..], ..whole }, format!("has {} layers", layers.len() - 1)),
        (Batch { keys_values: &wrong, ..whole }, format!("`{}` takes", layers[1].name)),
    ];
    for (batch, reason) in table {
        let error = unet.step(&batch, &CancelToken::new()).expect_err("a wrong list").to_string();
        assert!(error.contains(&reason), "{error}, not {reason}");
    }
    // None of that spoilt it.
    assert!(unet.step(&whole, &CancelToken::new()).expect("a step").is_finite());
    assert!(unet.gradient(layers.len()).is_err());
    let cancelled = CancelToken::new();
    cancelled.cancel();
    let error = unet.step(&whole, &cancelled).expect_err("it was cancelled");
    assert!(matches!(error, Error::Core(cones_core::Error::Cancelled)), "{error}");
}

#[test]
fn cut_off_graphs_are_errors() {
    let (_folder, bundle) = tiny();
    let file = bundle.file("unet.onnx").expect("a graph");
    let whole = fs::read(&file).expect("a graph");
    for part in 0..16 {
        fs::write(&file, &whole[..whole.len() * part / 16]).expect("a file");
        let text = refusal(&bundle, &file, SIZES);
        assert!(text.contains("unet.onnx"), "{part}/16: {text}");
    }
}

#[test]
fn an_absent_provider_is_told() {
    let (_folder, bundle) = tiny();
    let Err(reason) = Provider::Cuda.available() else {
        println!("CUDA is there: nothing to refuse");
        return;
    };
    let options = GradientOptions { provider: ExecutionProvider::Cuda, ..options() };
    let error = UnetGradient::new(&bundle, SIZES, &options).expect_err("no CUDA").to_string();
    assert_eq!(error, reason.to_string());
    assert!(error.to_lowercase().contains("cuda"), "{error}");
}
