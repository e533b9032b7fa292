//! Exports as other tools leave them: optimum, onnxconverter-common, wrappers around `encode`.

use std::fs;
use std::path::{Path, PathBuf};

use cones_core::sampling::scheduler::Scheduler;
use cones_core::{CancelToken, Request};
use cones_import::store::{self, WeightsFile};
use cones_import::{Stage, Storage, import as import_with};
use cones_onnx::proto::tensor_proto::DataType;
use cones_onnx::proto::{GraphProto, NodeProto, type_proto};
use cones_onnx::{Model, info, names, node, tensor};
use half::f16;
use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors};

use crate::fixture::{
    arguments, contents, diffusers, edit_graph, export, import, import_compared, imported, manifest, run, temporary,
    told,
};
use crate::forms::{first_projection, values};
use crate::run::{Values, alone, distance, distance_from_pytorch, draw, unet_at};

const GRAPHS: [&str; 4] = ["text_encoder", "unet", "vae_decoder", "vae_encoder"];
/// Latents and pictures of the fixtures.
const LATENT: [usize; 4] = [1, 4, 8, 8];
const PICTURE: [usize; 4] = [1, 3, 16, 16];

/// The bundle of the export as it is.
fn ordinary() -> PathBuf {
    imported("plain")
}

/// What an encoder gives for a picture.
fn encoded(bundle: &Path) -> Vec<f32> {
    alone(&bundle.join("vae_encoder.onnx"), PICTURE)
}

#[test]
fn nodes_in_no_order_are_brought_into_one() {
    let export = export("torchscript");
    for graph in GRAPHS {
        edit_graph(&export.path().join(format!("{graph}.onnx")), |graph| graph.node.reverse());
    }
    let (out, parity) = import_compared(export.path()).expect("an import");
    let bundle = out.path().join("bundle");
    let distance = distance_from_pytorch(&bundle, "unet.onnx");
    assert!(distance < 1e-4, "{distance} from PyTorch");
    assert!(parity.picture > 90.0 && parity.latent.is_some_and(|off| off < 1e-6), "{parity}");
    assert_eq!(encoded(&bundle), encoded(&ordinary()));
}

#[test]
fn nodes_in_a_circle_are_refused_by_name() {
    let export = export("plain");
    edit_graph(&export.path().join("vae_decoder.onnx"), |graph| {
        let circle = [node::new("Add", &["latent", "round"], "about"), node::new("Neg", &["about"], "round")];
        graph.node.splice(0..0, circle);
    });
    let error = told(&import(export.path()).expect_err("a circle"));
    assert!(error.contains("vae_decoder.onnx") && error.contains("depends on itself"), "{error}");
}

/// Gives a graph float16 inputs and outputs, with the casts where a converter appends them.
fn halve_edges(graph: &mut GraphProto) {
    let (half, float) = (DataType::Float16 as i32, DataType::Float as i32);
    for input in graph.input.clone() {
        let name = input.name();
        let inner = format!("{name}.converted");
        names::redirect(graph, name, &inner);
        graph.node.push(node::cast(name, &inner, float));
    }
    for output in graph.output.clone() {
        let name = output.name();
        let inner = format!("{name}.converted");
        names::rename(graph, name, &inner);
        let cast = node::cast(&inner, name, half);
        graph.node.push(NodeProto { name: Some(format!("{name}_converted")), ..cast });
    }
    graph.input.iter_mut().for_each(|input| info::retype(input, half));
    for output in &mut graph.output {
        output.name = output.name.as_ref().map(|name| name.replace(".converted", ""));
        info::retype(output, half);
    }
}

#[test]
fn float16_inputs_and_outputs_become_float32_and_the_timestep_loses_nothing() {
    let export = export("plain");
    for graph in ["unet", "vae_decoder", "vae_encoder"] {
        edit_graph(&export.path().join(format!("{graph}.onnx")), halve_edges);
    }
    let (out, parity) = import_compared(export.path()).expect("an import");
    let bundle = out.path().join("bundle");
    // Ten bits behind the first of each number of a sample.
    let distance = distance_from_pytorch(&bundle, "unet.onnx");
    assert!(distance < 1e-2, "{distance} from PyTorch");
    assert!(parity.picture > 60.0, "{parity}");
    assert!(!manifest(&bundle).whole_timesteps);
    // Float16 has halves here; the step from 900 to 900.2 would be none.
    let at = |timestep| unet_at(&bundle, "unet.onnx", timesteps(timestep));
    assert_ne!(at(900.0), at(900.2));
}

#[test]
fn weights_that_a_converter_to_float16_moved_away_from_zero_are_recognised() {
    let (export, weights, out) = (export("plain"), diffusers(), temporary());
    // Float16 rounds this to zero; the converter writes its smallest number instead.
    set_first_weight(&weights.path().join("unet/diffusion_pytorch_model.safetensors"), 1e-8);
    edit_graph(&export.path().join("unet.onnx"), |graph| halve_first_weight(graph, f16::from_bits(1)));
    let mut args = arguments(export.path(), &out.path().join("bundle"));
    args.weights = weights.path().to_path_buf();
    run(&args).expect("an import");
    // What no rounding makes of the weights is another model's.
    edit_graph(&export.path().join("unet.onnx"), |graph| {
        let name = format!("{HALVED}.half");
        let weight = graph.initializer.iter_mut().find(|t| t.name() == name).expect("a weight");
        let mut bytes = tensor::inline_bytes(weight).to_vec();
        bytes[..2].copy_from_slice(&f16::from_f32(0.01).to_le_bytes());
        weight.raw_data = Some(bytes.into());
    });
    args.out = out.path().join("other");
    let error = told(&run(&args).expect_err("another weight"));
    assert!(error.contains("attn2.to_k"), "{error}");
}

/// The first weight of the graph, in its own words.
const HALVED: &str = "halved";

/// Writes the attention weights as float32, and `value` as the first of them.
fn set_first_weight(file: &Path, value: f32) {
    let bytes = fs::read(file).expect("weights");
    let tensors = SafeTensors::deserialize(&bytes).expect("weights");
    let first = "down_blocks.0.attentions.0.transformer_blocks.0.attn2.to_k.weight";
    let mut written = Vec::new();
    for name in tensors.names().into_iter().filter(|name| name.contains(".attn2.to_")) {
        let mut values = crate::run::tensor(file, name);
        if name == first {
            values.data[0] = value;
        }
        let bytes: Vec<u8> = values.data.iter().flat_map(|value| value.to_le_bytes()).collect();
        written.push((name.to_owned(), values.shape, bytes));
    }
    let views = written
        .iter()
        .map(|(name, shape, bytes)| (name, TensorView::new(Dtype::F32, shape.clone(), bytes).expect("a tensor")));
    fs::write(file, safetensors::serialize(views, None).expect("weights")).expect("a file");
}

/// Makes the first projection's weight float16 with a cast behind it, and `value` the first of it.
fn halve_first_weight(graph: &mut GraphProto, value: f16) {
    let (at, weight) = first_projection(graph);
    let mut halves: Vec<f16> = values(&weight).into_iter().map(f16::from_f32).collect();
    halves[0] = value;
    let bytes = halves.iter().flat_map(|half| half.to_le_bytes()).collect();
    let (half, name) = (DataType::Float16 as i32, format!("{HALVED}.half"));
    graph.initializer.push(tensor::raw(&name, half, &weight.dims, bytes));
    graph.node[at].input[1] = HALVED.into();
    graph.node.insert(at, node::cast(&name, HALVED, DataType::Float as i32));
}

fn timesteps(timestep: f32) -> Values {
    Values { shape: vec![2], data: vec![timestep; 2] }
}

/// Types the timestep as whole numbers, with `nodes` behind it that give `timestep.float`.
fn with_whole_timestep(graph: &mut GraphProto, nodes: Vec<NodeProto>) {
    let timestep = graph.input.iter_mut().find(|input| input.name() == "timestep").expect("a timestep");
    info::retype(timestep, DataType::Int64 as i32);
    names::redirect(graph, "timestep", "timestep.float");
    graph.node.splice(0..0, nodes);
}

#[test]
fn whole_timesteps_become_real_ones_where_the_embedding_takes_them() {
    let export = export("plain");
    edit_graph(&export.path().join("unet.onnx"), |graph| {
        let nodes = vec![
            node::cast("timestep", "timestep.wide", DataType::Int64 as i32),
            node::new("Identity", &["timestep.wide"], "timestep.same"),
            node::cast("timestep.same", "timestep.float", DataType::Float as i32),
        ];
        with_whole_timestep(graph, nodes);
    });
    let out = import(export.path()).expect("an import");
    let bundle = out.path().join("bundle");
    let at = |bundle: &Path, timestep| unet_at(bundle, "unet.onnx", timesteps(timestep));
    assert_eq!(at(&bundle, 526.737), at(&ordinary(), 526.737));
    assert!(distance(&at(&bundle, 526.737), &at(&bundle, 526.0)) > 1e-6, "the fraction counts");
    assert!(!manifest(&bundle).whole_timesteps);
}

#[test]
fn arithmetic_with_whole_timesteps_rounds_them_and_the_bundle_says_so() {
    let (export, weights, out) = (export("plain"), diffusers(), temporary());
    edit_graph(&export.path().join("unet.onnx"), |graph| {
        graph.initializer.push(tensor::int64s("one", &[1], &[1]));
        let nodes = vec![
            node::new("Mul", &["timestep", "one"], "timestep.times"),
            node::cast("timestep.times", "timestep.float", DataType::Float as i32),
        ];
        with_whole_timestep(graph, nodes);
    });
    let config = weights.path().join("scheduler/scheduler_config.json");
    let text = fs::read_to_string(&config).expect("a configuration").replace("\"leading\"", "\"linspace\"");
    fs::write(&config, text).expect("a configuration");
    let mut args = arguments(export.path(), &out.path().join("bundle"));
    args.weights = weights.path().to_path_buf();
    run(&args).expect("an import");
    let bundle = args.out;
    assert!(manifest(&bundle).whole_timesteps);
    let at = |timestep| unet_at(&bundle, "unet.onnx", timesteps(timestep));
    assert_eq!(at(526.737), at(527.0));
    assert_ne!(at(526.737), at(526.0));
    let warnings = |scheduler| {
        let change = |request: Request| request.with_scheduler(scheduler).with_steps(5);
        draw(&bundle, change).expect("a picture").warnings
    };
    let warns = |scheduler| warnings(scheduler).iter().any(|w| w.contains("` has timesteps between whole ones"));
    assert!(warns(Scheduler::Euler));
    assert!(!warns(Scheduler::Ddim));
}

/// Moves a graph to a folder of its own, its weights to a file beside it.
fn move_apart(export: &Path, name: &str) {
    let flat = export.join(format!("{name}.onnx"));
    let folder = export.join(name);
    fs::create_dir(&folder).expect("a folder");
    let mut model = Model::open(&flat).expect("a fixture");
    let mut weights = WeightsFile::create(&folder, "model.onnx_data").expect("a file");
    store::store(&mut model, Storage::Float32, &mut weights).expect("stored weights");
    weights.finish().expect("stored weights");
    model.save(&folder.join("model.onnx")).expect("a graph");
    fs::remove_file(flat).expect("a fixture");
}

#[test]
fn the_layout_names_and_parameters_of_optimum_are_taken() {
    let export = export("plain");
    let folder = export.path();
    edit_graph(&folder.join("vae_decoder.onnx"), |graph| {
        names::rename(graph, "latent", "latent_sample");
        names::rename(graph, "image", "sample");
    });
    edit_graph(&folder.join("vae_encoder.onnx"), |graph| {
        names::rename(graph, "image", "sample");
        names::rename(graph, "latent", "mean");
        graph.node.push(node::new("Neg", &["mean"], "log_variance"));
        let parameters = node::new("Concat", &["mean", "log_variance"], "latent_parameters");
        graph.node.push(node::with_int(parameters, "axis", 1));
        graph.output[0].name = Some("latent_parameters".into());
        info::fix_at(&mut graph.output[0], 1, 8);
    });
    for graph in GRAPHS {
        move_apart(folder, graph);
    }
    let (out, parity) = import_compared(folder).expect("an import");
    assert!(parity.latent.is_some_and(|off| off < 1e-6) && parity.picture > 90.0, "{parity}");
    let bundle = out.path().join("bundle");
    assert_eq!(encoded(&bundle), encoded(&ordinary()));
    let decoded = |bundle: &Path| alone(&bundle.join("vae_decoder.onnx"), LATENT);
    assert_eq!(decoded(&bundle), decoded(&ordinary()));
    assert!(distance_from_pytorch(&bundle, "unet.onnx") < 1e-4);
}

#[test]
fn parameters_are_told_by_their_number_where_the_graph_says_none() {
    let export = export("plain");
    let double = |graph: &mut GraphProto, times: usize| {
        names::rename(graph, "latent", "mean");
        let parameters = node::new("Concat", &vec!["mean"; times], "latent");
        graph.node.push(node::with_int(parameters, "axis", 1));
        let output = &mut graph.output[0];
        output.name = Some("latent".into());
        if let Some(type_proto::Value::TensorType(tensor)) = output.r#type.as_mut().and_then(|kind| kind.value.as_mut())
        {
            tensor.shape = None;
        }
    };
    edit_graph(&export.path().join("vae_encoder.onnx"), |graph| double(graph, 2));
    let out = import(export.path()).expect("an import");
    assert_eq!(encoded(&out.path().join("bundle")), encoded(&ordinary()));
    let export = crate::fixture::export("plain");
    edit_graph(&export.path().join("vae_encoder.onnx"), |graph| double(graph, 3));
    let error = told(&import(export.path()).expect_err("neither mean nor parameters"));
    assert!(error.contains("has 12 channels; expected are 4, the mean, or 8"), "{error}");
}

/// What `latent_dist.sample()` leaves behind in an encoder.
fn draw_latent(graph: &mut GraphProto, noise: NodeProto) {
    names::rename(graph, "latent", "mean");
    let nodes = [
        node::new("Exp", &["mean"], "deviation"),
        noise,
        node::new("Mul", &["deviation", "noise"], "spread"),
        node::new("Add", &["mean", "spread"], "latent"),
    ];
    graph.node.extend(nodes);
    graph.output[0].name = Some("latent".into());
}

#[test]
fn an_encoder_that_draws_its_latent_gives_the_mean() {
    let export = export("plain");
    edit_graph(&export.path().join("vae_encoder.onnx"), |graph| {
        draw_latent(graph, node::new("RandomNormalLike", &["deviation"], "noise"));
    });
    let (out, parity) = import_compared(export.path()).expect("an import");
    assert_eq!(parity.latent, None);
    assert!(parity.to_string().contains("VAE encoder not compared"), "{parity}");
    let bundle = out.path().join("bundle");
    assert_eq!(encoded(&bundle), encoded(&ordinary()));
    assert_eq!(manifest(&bundle).preview, manifest(&ordinary()).preview);
    let again = import(export.path()).expect("an import");
    assert!(contents(&bundle) == contents(&again.path().join("bundle")), "one export gives one bundle");
}

#[test]
fn other_random_numbers_are_refused_in_every_graph() {
    let refused = |graph: &str, edit: &dyn Fn(&mut GraphProto)| {
        let export = export("plain");
        edit_graph(&export.path().join(format!("{graph}.onnx")), |graph| edit(graph));
        told(&import(export.path()).expect_err("random numbers"))
    };
    let uniform = |graph: &mut GraphProto| draw_latent(graph, node::new("RandomUniformLike", &["deviation"], "noise"));
    let error = refused("vae_encoder", &uniform);
    assert!(error.contains("(RandomUniformLike) draws random numbers"), "{error}");
    for (graph, output) in [("unet", "out_sample"), ("vae_decoder", "image"), ("text_encoder", "last_hidden_state")] {
        let error = refused(graph, &|graph: &mut GraphProto| {
            names::rename(graph, output, "quiet");
            graph.node.push(node::new("RandomNormalLike", &["quiet"], "noise"));
            graph.node.push(node::new("Add", &["quiet", "noise"], output));
            graph.output[0].name = Some(output.into());
        });
        assert!(error.contains(graph) && error.contains("(RandomNormalLike) draws random numbers"), "{error}");
    }
}

#[test]
fn every_import_says_how_near_it_is_to_the_export() {
    for dialect in crate::fixture::DIALECTS {
        let (_, parity) = import_compared(export(dialect).path()).expect("an import");
        assert!(parity.picture > 90.0 && parity.step < 1e-5 && parity.text < 1e-5, "{dialect}: {parity}");
        assert!(parity.latent.is_some_and(|off| off < 1e-6), "{dialect}: {parity}");
    }
}

#[test]
fn a_graph_of_numbers_that_are_not_finite_is_refused() {
    let export = export("plain");
    edit_graph(&export.path().join("vae_decoder.onnx"), |graph| {
        names::rename(graph, "image", "fine");
        graph.node.extend([node::new("Sub", &["fine", "fine"], "zero"), node::new("Div", &["zero", "zero"], "image")]);
        graph.output[0].name = Some("image".into());
    });
    let error = told(&import(export.path()).expect_err("0 divided by 0"));
    assert!(error.contains("vae_decoder.onnx") && error.contains("not finite"), "{error}");
}

#[test]
fn values_that_a_converter_left_declared_as_float32_do_not_keep_a_graph_from_being_imported() {
    let export = export("plain");
    edit_graph(&export.path().join("unet.onnx"), |graph| {
        halve_first_weight(graph, f16::from_f32(values(&first_projection(graph).1)[0]));
        let shape = info::Shape { element: DataType::Int64 as i32, dims: vec![12, 4] };
        graph.value_info.push(info::tensor(HALVED, &shape));
    });
    let out = temporary();
    let mut reason = String::new();
    let mut heard = |stage: Stage<'_>| {
        if let Stage::Uncompared(why) = stage {
            reason = why.to_owned();
        }
    };
    let args = arguments(export.path(), &out.path().join("bundle"));
    import_with(&args, &mut heard, &CancelToken::new()).expect("an import");
    assert!(reason.contains("unet.onnx") && reason.contains(HALVED), "{reason}");
    assert!(distance_from_pytorch(&args.out, "unet.onnx") < 1e-4);
}
