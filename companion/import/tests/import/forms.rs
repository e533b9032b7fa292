//! Forms of a projection that other versions of the exporters and optimisers write.

use std::fs;
use std::path::Path;

use cones_onnx::proto::tensor_proto::DataType;
use cones_onnx::proto::{GraphProto, NodeProto, TensorProto, type_proto};
use cones_onnx::source::Source;
use cones_onnx::{Model, names, node, tensor};

use safetensors::SafeTensors;

use crate::fixture::{
    DIALECTS, arguments, diffusers, edit_graph, export, import, import_edited, imported, manifest, run, temporary, told,
};
use crate::run::distance_from_pytorch;

const TEXT: &str = "encoder_hidden_states";

/// Position of the first projection of the text, and its weight.
pub(crate) fn first_projection(graph: &GraphProto) -> (usize, TensorProto) {
    let is_projection = |n: &NodeProto| n.op_type() == "MatMul" && n.input[0] == TEXT;
    let at = graph.node.iter().position(is_projection).expect("a projection");
    let weight = graph.initializer.iter().find(|t| t.name() == graph.node[at].input[1]).expect("a weight");
    (at, weight.clone())
}

pub(crate) fn values(weight: &TensorProto) -> Vec<f32> {
    Source::new("unet.onnx".as_ref()).values(weight).expect("values")
}

fn floats(name: &str, dims: &[i64], values: &[f32]) -> TensorProto {
    TensorProto {
        name: Some(name.into()),
        dims: dims.to_vec(),
        data_type: Some(DataType::Float as i32),
        float_data: values.to_vec(),
        ..TensorProto::default()
    }
}

/// [columns, rows] as PyTorch keeps it: [rows, columns].
fn transposed(weight: &TensorProto, name: &str) -> TensorProto {
    let (values, width) = (values(weight), weight.dims[1] as usize);
    let turned: Vec<f32> = (0..width).flat_map(|at| values.iter().copied().skip(at).step_by(width)).collect();
    floats(name, &[weight.dims[1], weight.dims[0]], &turned)
}

fn assert_faithful(edit: impl FnOnce(&mut GraphProto)) {
    let out = import_edited("fused", edit).expect("an import");
    let distance = distance_from_pytorch(&out.path().join("bundle"), "unet.onnx");
    assert!(distance < 1e-4, "{distance} from PyTorch");
}

#[test]
fn a_weight_behind_transpose_identity_and_cast() {
    assert_faithful(|graph| {
        let (at, weight) = first_projection(graph);
        graph.initializer.push(transposed(&weight, "turned"));
        graph.node[at].input[1] = "weight.cast".into();
        let chain = [
            node::new("Identity", &["turned"], "weight.same"),
            node::new("Transpose", &["weight.same"], "weight.turned"),
            node::cast("weight.turned", "weight.cast", DataType::Float as i32),
        ];
        graph.node.splice(at..at, chain);
    });
}

#[test]
fn a_gemm_on_flattened_text_with_bias() {
    assert_faithful(|graph| {
        let (at, weight) = first_projection(graph);
        let rows = weight.dims[1];
        graph.initializer.push(transposed(&weight, "turned"));
        graph.initializer.push(floats("bias", &[rows], &vec![0.0; rows as usize]));
        graph.initializer.push(tensor::int64s("flat", &[2], &[-1, weight.dims[0]]));
        graph.initializer.push(tensor::int64s("full", &[3], &[2, -1, rows]));
        let output = graph.node[at].output[0].clone();
        let gemm = node::with_int(node::new("Gemm", &["text.flat", "turned", "bias"], "flat.k"), "transB", 1);
        let nodes = [
            node::new("Reshape", &[TEXT, "flat"], "text.flat"),
            gemm,
            node::new("Reshape", &["flat.k", "full"], &output),
        ];
        graph.node.splice(at..=at, nodes);
    });
}

#[test]
fn text_through_identity_and_a_constant_node_as_weight() {
    assert_faithful(|graph| {
        let (at, weight) = first_projection(graph);
        graph.initializer.retain(|t| t.name() != weight.name());
        let mut constant = node::new("Constant", &[], weight.name());
        constant.attribute.push(cones_onnx::proto::AttributeProto {
            name: Some("value".into()),
            r#type: Some(cones_onnx::proto::attribute_proto::AttributeType::Tensor as i32),
            t: Some(weight),
            ..Default::default()
        });
        graph.node[at].input[0] = "text.same".into();
        graph.node.splice(at..at, [constant, node::new("Identity", &[TEXT], "text.same")]);
    });
}

#[test]
fn questions_about_the_shape_of_the_text_are_answered() {
    assert_faithful(|graph| {
        // sample + 0 · (batch + tokens · width of the text), asked for in both forms.
        graph.initializer.push(floats("zero", &[], &[0.0]));
        let part = node::with_int(node::with_int(node::new("Shape", &[TEXT], "asked.part"), "start", -1), "end", 3);
        names::redirect(graph, "sample", "asked.sum");
        let sum = [
            node::new("Shape", &[TEXT], "asked.all"),
            part,
            node::with_int(node::new("Concat", &["asked.all", "asked.part"], "asked.both"), "axis", 0),
            node::new("ReduceSum", &["asked.both"], "asked.one"),
            node::cast("asked.one", "asked.float", DataType::Float as i32),
            node::new("Mul", &["asked.float", "zero"], "asked.nothing"),
            node::new("Add", &["sample", "asked.nothing"], "asked.sum"),
        ];
        graph.node.splice(0..0, sum);
    });
}

#[test]
fn int8_weights_are_recognised_and_share_the_fingerprint() {
    let out = import_edited("fused", |graph| {
        let (at, weight) = first_projection(graph);
        let values = values(&weight);
        let scale = values.iter().fold(0.0f32, |most, value| most.max(value.abs())) / 127.0;
        let bytes: Vec<u8> = values.iter().map(|value| (value / scale).round() as i8 as u8).collect();
        graph.initializer.push(TensorProto {
            name: Some("quantised".into()),
            dims: weight.dims.clone(),
            data_type: Some(DataType::Int8 as i32),
            raw_data: Some(bytes.into()),
            ..TensorProto::default()
        });
        graph.initializer.push(floats("scale", &[], &[scale]));
        graph.node[at].input[1] = "weight.float".into();
        graph.node.insert(at, node::new("DequantizeLinear", &["quantised", "scale"], "weight.float"));
    })
    .expect("an import");
    assert_eq!(manifest(&imported("fused")).fingerprint, manifest(&out.path().join("bundle")).fingerprint);
    assert!(distance_from_pytorch(&out.path().join("bundle"), "unet.onnx") < 1e-4, "K and V are the original ones");
}

#[test]
fn a_projection_in_float16_is_fed_float16() {
    let out = import_edited("plain", |graph| {
        let (at, weight) = first_projection(graph);
        let half = DataType::Float16 as i32;
        let output = graph.node[at].output[0].clone();
        graph.node[at].input = vec!["text.half".into(), "weight.half".into()];
        graph.node[at].output = vec!["k.half".into()];
        let before = [node::cast(TEXT, "text.half", half), node::cast(weight.name(), "weight.half", half)];
        graph.node.insert(at + 1, node::cast("k.half", &output, DataType::Float as i32));
        graph.node.splice(at..at, before);
    })
    .expect("an import");
    let distance = distance_from_pytorch(&out.path().join("bundle"), "unet.onnx");
    assert!(distance < 1e-2, "{distance} from PyTorch");
}

/// Gives to_v of the first block the weights of its to_k, in the graph and in the diffusers folder.
fn make_twins(onnx: &Path, weights: &Path) {
    edit_graph(&onnx.join("unet.onnx"), |graph| {
        let (at, weight) = first_projection(graph);
        let text_users = graph.node.iter_mut().skip(at + 1).find(|n| n.op_type() == "MatMul" && n.input[0] == TEXT);
        text_users.expect("a second projection").input[1] = weight.name().to_owned();
    });
    let file = weights.join("unet/diffusion_pytorch_model.safetensors");
    let mut bytes = fs::read(&file).expect("weights");
    let (length, header) = SafeTensors::read_metadata(&bytes).expect("a header");
    let place = |projection: &str| {
        let name = format!("down_blocks.0.attentions.0.transformer_blocks.0.attn2.{projection}.weight");
        let (start, end) = header.info(&name).expect("a tensor").data_offsets;
        length + 8 + start..length + 8 + end
    };
    let start = place("to_v").start;
    bytes.copy_within(place("to_k"), start);
    fs::write(file, bytes).expect("written weights");
}

#[test]
fn layers_with_the_same_weights_are_told_apart_by_the_nodes_notes() {
    for dialect in DIALECTS {
        let (export, weights, out) = (export(dialect), diffusers(), temporary());
        make_twins(export.path(), weights.path());
        let mut args = arguments(export.path(), &out.path().join("bundle"));
        args.weights = weights.path().to_path_buf();
        run(&args).unwrap_or_else(|error| panic!("{dialect}: {error}"));
    }
}

#[test]
fn layers_with_the_same_weights_and_no_notes_are_an_error() {
    let (export, weights, out) = (export("fused"), diffusers(), temporary());
    make_twins(export.path(), weights.path());
    edit_graph(&export.path().join("unet.onnx"), |graph| {
        graph.node.iter_mut().for_each(|n| n.metadata_props.clear());
    });
    let mut args = arguments(export.path(), &out.path().join("bundle"));
    args.weights = weights.path().to_path_buf();
    let error = told(&run(&args).expect_err("no telling"));
    assert!(error.contains("attn2.to_k") && error.contains("same weights as"), "{error}");
}

#[test]
fn without_names_values_decide() {
    assert_faithful(|graph| {
        for (count, n) in graph.node.iter_mut().enumerate() {
            n.metadata_props.clear();
            n.name = Some(format!("n{count}"));
        }
    });
}

#[test]
fn other_names_and_types_of_inputs_are_brought_into_line() {
    let export = export("plain");
    edit_graph(&export.path().join("unet.onnx"), |graph| {
        let timestep = graph.input.iter_mut().find(|input| input.name() == "timestep").expect("a timestep");
        let kind = timestep.r#type.as_mut().and_then(|kind| kind.value.as_mut());
        let Some(type_proto::Value::TensorType(kind)) = kind else { panic!("no tensor") };
        kind.elem_type = Some(DataType::Int64 as i32);
        kind.shape.as_mut().expect("a shape").dim.clear();
        graph.initializer.push(tensor::int64s("one_dimension", &[1], &[1]));
        names::redirect(graph, "timestep", "timestep.list");
        let nodes = [
            node::cast("timestep", "timestep.float", DataType::Float as i32),
            node::new("Reshape", &["timestep.float", "one_dimension"], "timestep.list"),
        ];
        graph.node.splice(0..0, nodes);
        names::rename(graph, "out_sample", "noise_pred");
    });
    edit_graph(&export.path().join("vae_decoder.onnx"), |graph| names::rename(graph, "latent", "latent_sample"));
    let out = import(export.path()).expect("an import");
    let model = Model::open(&out.path().join("bundle/unet.onnx")).expect("a graph");
    let graph = model.graph().expect("a graph");
    assert_eq!(graph.output[0].name(), "out_sample");
    assert_eq!(graph.input[1].name(), "timestep");
}
