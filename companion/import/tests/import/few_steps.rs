//! Models of few steps, zero-terminal SNR, and U-Nets that are told of the guidance scale: diffusers' pictures, and imported.
//! Vectors: `tests/golden/make_few_steps.py`.
#![allow(clippy::print_stdout, reason = "tests say what they measure")]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use cones_core::model::bundle::{UNET, mapped_twin};
use cones_core::model::manifest::{Defaults, TimestepSpacing};
use cones_core::sampling::guidance::embedding;
use cones_core::sampling::scheduler::Scheduler;
use cones_core::{Bundle, Engine, Request};
use cones_gradient::unet::inputs;
use cones_import::{ImportOptions, import};
use cones_onnx::proto::tensor_proto::DataType;
use cones_onnx::proto::tensor_shape_proto::{Dimension, dimension};
use cones_onnx::proto::type_proto;
use cones_onnx::{Model, node, tensor};
use cones_tests::hostile::Copy;
use cones_tests::psnr::psnr;
use cones_tests::sheet::Sheet;
use cones_tests::{base, golden};
use serde_json::{Value, json};

use crate::fixture::{arguments, contents, diffusers, export, manifest, run, told};
use crate::run::draw;

const GUIDANCE: &str = "timestep_cond";
const SEED: u64 = 10;

/// Has a U-Net take the embedding of the guidance scale, `width` numbers, as diffusers' with a `time_cond_proj_dim`.
fn tell_guidance(file: &Path, width: usize) {
    let mut model = Model::open(file).expect("a U-Net");
    let graph = model.graph_mut().expect("a graph");
    // The first product on the way of the timestep.
    let mut known = vec!["timestep".to_owned()];
    let at = graph.node.iter().position(|n| {
        let is_on_it = n.input.iter().any(|input| known.contains(input));
        if is_on_it {
            known.extend(n.output.iter().cloned());
        }
        is_on_it && (node::has_op(n, "Gemm") || node::has_op(n, "MatMul"))
    });
    let at = at.expect("a linear layer");
    let (product, weight) = (graph.node[at].input[0].clone(), graph.node[at].input[1].clone());
    // Weights of float16 go through a cast.
    let cast = graph.node.iter().find(|n| n.output.contains(&weight)).map(|n| n.input[0].clone());
    let weight = cast.unwrap_or(weight);
    let held = graph.initializer.iter().find(|tensor| tensor.name() == weight).expect("its weights").dims.clone();
    let is_transposed = graph.node[at].attribute.iter().any(|attribute| attribute.name() == "transB");
    let outputs = usize::try_from(held[usize::from(is_transposed)]).expect("a size");
    let mut values = cones_core::sampling::splitmix::SplitMix64::new(SEED);
    let drawn: Vec<f32> = (0..outputs * width).map(|_| ((values.next_bits() % 257) as f32 - 128.0) / 1024.0).collect();
    // PyTorch has a row for each output; a product wants a column.
    let columns = (0..width).flat_map(|input| (0..outputs).map(move |output| output * width + input));
    let bytes: Vec<u8> = columns.flat_map(|at| drawn[at].to_le_bytes()).collect();
    let dims = [width as i64, outputs as i64];
    graph.initializer.push(tensor::raw("told.weight", DataType::Float as i32, &dims, bytes));
    let nodes = [
        node::new("MatMul", &[GUIDANCE, "told.weight"], "told.projected"),
        node::new("Add", &[&product, "told.projected"], "told.sum"),
    ];
    graph.node[at].input[0] = "told.sum".into();
    graph.node.splice(at..at, nodes);
    let mut input = graph.input.iter().find(|input| input.name() == "timestep").expect("a timestep").clone();
    input.name = Some(GUIDANCE.into());
    if let Some(type_proto::Value::TensorType(kind)) = input.r#type.as_mut().and_then(|kind| kind.value.as_mut()) {
        kind.elem_type = Some(DataType::Float as i32);
        let dim = Dimension { value: Some(dimension::Value::DimValue(width as i64)), ..Dimension::default() };
        kind.shape.as_mut().expect("a shape").dim.push(dim);
    }
    graph.input.insert(2, input);
    let written = file.with_extension("told");
    model.save(&written).expect("a saved graph");
    drop(model);
    fs::rename(written, file).expect("a renamed file");
}

/// The case's request, and what its scheduler has.
fn request(case: &Value) -> Request {
    let text = |key: &str| case[key].as_str().expect("a text").to_owned();
    let part = |key: &str| case[key].as_f64().map(|part| part as f32);
    let mut request = Request::new(text("prompt"))
        .with_negative_prompt(text("negative_prompt"))
        .with_seed(case["seed"].as_u64().expect("a seed"))
        .with_steps(case["steps"].as_u64().expect("steps") as u32)
        .with_guidance(part("guidance").expect("a guidance"))
        .with_scheduler(text("scheduler").parse().expect("a scheduler"));
    (request.guidance_rescale, request.eta) = (part("guidance_rescale"), part("eta"));
    request
}

/// The base model with another schedule; its files are there as long as the copy.
fn configured(case: &Value, change: impl FnOnce(&Copy)) -> (Copy, Engine) {
    let copy = Copy::new();
    copy.edit(|manifest| {
        manifest["schema"] = json!(4);
        for (key, value) in case["config"].as_object().expect("a configuration") {
            match key.as_str() {
                "prediction_type" => manifest[key] = value.clone(),
                _ => manifest["noise_schedule"][key] = value.clone(),
            }
        }
    });
    change(&copy);
    let bundle = Bundle::open(copy.path()).expect("a bundle");
    let engine = Engine::new(bundle, base::options()).expect("an engine");
    (copy, engine)
}

/// The lowest likeness of the cases in `key`, whose pictures begin at `first`.
fn lowest(golden: &Value, key: &str, first: usize, change: fn(&Copy, &Value)) -> f64 {
    let size = base::bundle().manifest().image;
    let sheet = Sheet::open("few_steps/few_steps.png", (size.width, size.height));
    let columns = golden["columns"].as_u64().expect("columns") as usize;
    let mut lowest = f64::INFINITY;
    // One for each schedule.
    let mut engines = BTreeMap::new();
    for (i, case) in golden[key].as_array().expect("cases").iter().enumerate() {
        let made = || configured(case, |copy| change(copy, golden));
        let (_copy, engine) = engines.entry(case["config"].to_string()).or_insert_with(made);
        let drawn = base::draw(engine, &request(case));
        let at = first + i;
        let likeness = psnr(&drawn, &sheet.cell(at % columns, at / columns));
        let rescale = &case["guidance_rescale"];
        println!(
            "{likeness:6.2} dB  {} {} steps, {}, rescaled {rescale}",
            case["scheduler"], case["steps"], case["config"]
        );
        lowest = lowest.min(likeness);
    }
    lowest
}

fn golden() -> Value {
    let golden: Value = golden::json("few_steps/few_steps.json");
    golden::check_weights(golden["fingerprint"].as_str().expect("a fingerprint"), &base::bundle());
    golden
}

#[test]
fn pictures_of_few_steps_and_of_zero_terminal_snr_are_diffusers() {
    let lowest = lowest(&golden(), "cases", 0, |_, _| {});
    assert!(lowest >= 45.0, "{lowest:.2} dB");
}

#[test]
fn pictures_of_a_unet_that_is_told_of_the_guidance_are_diffusers() {
    let golden = golden();
    for (guidance, expected) in golden["embedding"].as_object().expect("embeddings") {
        let expected: Vec<f32> = serde_json::from_value(expected.clone()).expect("numbers");
        let found = embedding(guidance.parse().expect("a number"), expected.len());
        let gap = found.iter().zip(&expected).fold(0.0f32, |most, (a, b)| most.max((a - b).abs()));
        // The angles go to 7500, where float32 has steps of 5e-4.
        assert!(gap < 2e-3, "{guidance}: {gap}");
    }
    let first = golden["cases"].as_array().expect("cases").len();
    let lowest = lowest(&golden, "told", first, |copy, golden| {
        let width = golden["width"].as_u64().expect("a width") as usize;
        for name in [UNET.to_owned(), mapped_twin(UNET)] {
            // Not through the link to the base model's own.
            copy.write(&name, copy.read(&name));
            tell_guidance(&copy.file(&name), width);
            copy.replace(&name, copy.read(&name));
        }
        copy.edit(|manifest| manifest["time_cond_proj_dim"] = json!(width));
    });
    assert!(lowest >= 45.0, "{lowest:.2} dB");
}

/// Options to import a tiny latent consistency model, told in 6 numbers where its configuration says `said`.
fn consistency(dialect: &str, said: u32) -> (ImportOptions, [tempfile::TempDir; 3]) {
    let (export, weights, out) = (export(dialect), diffusers(), tempfile::tempdir().expect("a temporary folder"));
    tell_guidance(&export.path().join("unet.onnx"), 6);
    let change = |file: &str, change: &dyn Fn(&mut Value)| {
        let path = weights.path().join(file);
        let mut config: Value = serde_json::from_slice(&fs::read(&path).expect("a file")).expect("JSON");
        change(&mut config);
        fs::write(&path, config.to_string()).expect("a file");
    };
    change("unet/config.json", &|unet| unet["time_cond_proj_dim"] = json!(said));
    change("scheduler/scheduler_config.json", &|scheduler| {
        (scheduler["_class_name"], scheduler["original_inference_steps"]) = (json!("LCMScheduler"), json!(25));
    });
    let mut args = arguments(export.path(), &out.path().join("bundle"));
    args.weights = weights.path().to_path_buf();
    (args, [export, weights, out])
}

#[test]
fn a_consistency_model_is_imported_compared_and_drawn_and_nothing_found_on_it() {
    let (args, _folders) = consistency("fused", 6);
    let mut compared = None;
    let mut hear = |stage: cones_import::Stage<'_>| {
        if let cones_import::Stage::Compared(parity) = stage {
            compared = Some(parity.step);
        }
    };
    let made = import(&args, &mut hear, &cones_core::CancelToken::new());
    let made = made.unwrap_or_else(|error| panic!("{}", told(&error)));
    assert!(compared.is_some_and(|off| off < 1e-5), "{compared:?}");
    assert_eq!((made.schema, made.time_cond_proj_dim), (4, Some(6)));
    assert_eq!(made.noise_schedule.original_inference_steps, 25);
    assert_eq!(made.defaults, Defaults::new(4, 8.5, Scheduler::Lcm));
    // The scale is an input, and the negative prompt none.
    let drawn = |change: &dyn Fn(Request) -> Request| {
        draw(&args.out, change).expect("a picture").pictures.swap_remove(0).picture
    };
    let plain = drawn(&|request| request);
    assert_eq!(drawn(&|request| request.with_negative_prompt("grass")), plain);
    assert_ne!(drawn(&|request| request.with_guidance(1.0)), plain);
    let bundle = Bundle::open(&args.out).expect("a bundle");
    let model = Model::open(&args.out.join(UNET)).expect("a graph");
    let sizes = cones_gradient::Sizes { batch: 1, height: 8, width: 8, tokens: 8 };
    let refused = inputs(&model, &bundle, sizes).expect_err("no noise is predicted").to_string();
    assert!(refused.contains("latent consistency"), "{refused}");
}

#[test]
fn an_embedding_of_another_width_is_refused() {
    let (args, _folders) = consistency("plain", 8);
    let refused = told(&run(&args).expect_err("another width"));
    assert!(refused.contains(GUIDANCE) && refused.contains('6') && refused.contains('8'), "{refused}");
}

#[test]
fn zero_terminal_snr_is_taken_over_and_a_scheduler_that_cannot_begin_there_refused() {
    let (weights, export, out) = (diffusers(), export("plain"), tempfile::tempdir().expect("a temporary folder"));
    let path = weights.path().join("scheduler/scheduler_config.json");
    let mut config: Value = serde_json::from_slice(&fs::read(&path).expect("a file")).expect("JSON");
    let mut with = |prediction: &str| {
        config["rescale_betas_zero_snr"] = json!(true);
        (config["timestep_spacing"], config["prediction_type"]) = (json!("trailing"), json!(prediction));
        fs::write(&path, config.to_string()).expect("a file");
    };
    let mut args = arguments(export.path(), &out.path().join("bundle"));
    args.weights = weights.path().to_path_buf();
    with("epsilon");
    let refused = told(&run(&args).expect_err("DDIM cannot begin there"));
    assert!(refused.contains("zero-terminal SNR") && refused.contains("euler"), "{refused}");
    assert!(contents(out.path()).is_empty(), "nothing is left");
    with("v_prediction");
    run(&args).expect("an import");
    let made = manifest(&args.out);
    assert!(made.noise_schedule.rescale_betas_zero_snr && made.schema == 4);
    assert_eq!(made.noise_schedule.timestep_spacing, TimestepSpacing::Trailing);
    draw(&args.out, |request| request.with_guidance_rescale(0.7)).expect("a picture");
}
