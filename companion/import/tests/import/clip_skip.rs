//! The text encoder without its last layers, against diffusers' `clip_skip`. Vectors: `tests/golden/make_clip_skip.py`.

use cones_core::model::bundle::{TEXT_ENCODER, skipped_state};
use cones_core::{Bundle, CancelToken, Engine, Error, Request};
use cones_import::skipped;
use cones_onnx::{Model, node, tensor};
use cones_tests::hostile::Copy;
use cones_tests::psnr::psnr;
use cones_tests::sheet::Sheet;
use cones_tests::{base, golden};
use safetensors::SafeTensors;
use serde_json::{Value, json};

use crate::fixture::{imported, manifest};

/// A copy of the base model whose text encoder was given the outputs, as an import gives them.
fn extended() -> Copy {
    changed(|_| {})
}

/// The same after a change to the graph.
fn changed(change: impl FnOnce(&mut Model)) -> Copy {
    let copy = Copy::new();
    let mut model = bare();
    change(&mut model);
    let most = skipped::add_outputs(&mut model).expect("outputs");
    assert_eq!(most, 2);
    put(&copy, &model, json!(most));
    copy
}

/// The base model's text encoder as an export has it: without the outputs that an import gives it.
fn bare() -> Model {
    let mut model = Model::open(&base::folder().join(TEXT_ENCODER)).expect("a text encoder");
    let added = [1, 2].map(skipped_state);
    let graph = model.graph_mut().expect("a graph");
    graph.output.retain(|output| !added.iter().any(|name| output.name() == name));
    graph.node.retain(|node| !added.iter().any(|name| node.name().starts_with(name)));
    model
}

/// Gives a copy another text encoder, and says how many layers it can leave out.
fn put(copy: &Copy, model: &Model, clip_skip: Value) {
    let folder = tempfile::tempdir().expect("a folder");
    model.save(&folder.path().join("x.onnx")).expect("saved");
    copy.replace(TEXT_ENCODER, std::fs::read(folder.path().join("x.onnx")).expect("a graph"));
    copy.edit(|manifest| manifest["text"]["clip_skip"] = clip_skip);
}

fn engine(copy: &Copy) -> Engine {
    Engine::new(Bundle::open(copy.path()).expect("a bundle"), base::options()).expect("an engine")
}

fn expected(tensors: &SafeTensors<'_>, name: &str) -> Vec<f32> {
    let view = tensors.tensor(name).expect(name);
    view.data().chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect()
}

/// The rows of some tokens.
fn rows(embedding: &[f32], width: usize, tokens: &[usize]) -> Vec<f32> {
    tokens.iter().flat_map(|token| embedding[token * width..(token + 1) * width].to_vec()).collect()
}

fn furthest(found: &[f32], expected: &[f32]) -> f32 {
    assert_eq!(found.len(), expected.len());
    found.iter().zip(expected).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
}

fn request(golden: &Value, prompt: &Value, skip: u32) -> Request {
    let text = |name: &str| prompt[name].as_str().expect(name).to_owned();
    let mut request = Request::new(text("prompt")).with_negative_prompt(text("negative_prompt")).with_clip_skip(skip);
    request.seed = prompt["seed"].as_u64().expect("a seed");
    request.guidance = golden["guidance"].as_f64().map(|guidance| guidance as f32);
    request.steps = golden["steps"].as_u64().map(|steps| steps as u32);
    request.scheduler = Some(golden["scheduler"].as_str().expect("a scheduler").parse().expect("a scheduler"));
    request
}

#[test]
fn embeddings_and_pictures_are_those_of_diffusers() {
    let copy = extended();
    let mut engine = engine(&copy);
    let golden: Value = golden::json("clip_skip/clip_skip.json");
    golden::check_weights(golden["fingerprint"].as_str().expect("a fingerprint"), engine.bundle());
    let bytes = golden::read("clip_skip/clip_skip.safetensors");
    let tensors = SafeTensors::deserialize(&bytes).expect("tensors");
    let image = engine.bundle().manifest().image;
    let sheet = Sheet::open("clip_skip/clip_skip.png", (image.width, image.height));
    let tokens: Vec<usize> = serde_json::from_value(golden["tokens"].clone()).expect("tokens");
    let width = engine.bundle().manifest().text.hidden_size as usize;
    for (row, prompt) in golden["prompts"].as_array().expect("prompts").iter().enumerate() {
        for skip in 0..3u32 {
            let request = request(&golden, prompt, skip);
            let found = engine.embeddings(&request).expect("embeddings");
            for (found, side) in found.iter().zip([".negative", ""]) {
                let off = furthest(&rows(found, width, &tokens), &expected(&tensors, &format!("{row}.{skip}{side}")));
                assert!(off < 1e-4, "{row}.{skip}{side} is off by {off}");
            }
            let picture = base::draw(&mut engine, &request);
            let likeness = psnr(&picture, &sheet.cell(skip as usize, row));
            let other = psnr(&picture, &sheet.cell((skip as usize + 1) % 3, row));
            println!("{prompt} {skip}: {likeness:.1} dB, and {other:.1} dB from the next");
            assert!(likeness > 45.0 && other < 35.0, "{likeness} {other}");
        }
    }
}

#[test]
fn it_holds_for_both_prompts_as_in_the_web_ui_where_these_are_written_for_it() {
    let copy = extended();
    let mut engine = engine(&copy);
    let request = |skip| Request::new("a dog").with_negative_prompt("a cat").with_clip_skip(skip);
    let of = |engine: &mut Engine, request: &Request| engine.embeddings(request).expect("embeddings");
    let [plain, skipped] = [0, 1].map(|skip| of(&mut engine, &request(skip)));
    assert!(plain[0] == skipped[0] && plain[1] != skipped[1], "the prompt alone, as in diffusers");
    let both = of(&mut engine, &request(1).with_prompt_weights());
    assert!(both[0] != plain[0] && both[1] == skipped[1]);
    // What was encoded is not taken for the other.
    let drawn = |engine: &mut Engine, skip| base::draw(engine, &request(skip).with_steps(2));
    let [first, second, third] = [0, 1, 0].map(|skip| drawn(&mut engine, skip));
    assert!(first == third && first != second);
    let generated = engine.generate(&request(1).with_steps(1), &mut (), &CancelToken::new()).expect("drawn");
    assert_eq!(generated.pictures[0].recipe.clip_skip, 1);
    assert!(generated.pictures[0].recipe.parameters().contains(", Clip skip: 2,"));
}

#[test]
fn what_is_not_there_is_refused_and_everything_else_is_as_it_was() {
    let copy = extended();
    let mut with = engine(&copy);
    let request = |skip| Request::new("a dog").with_steps(1).with_clip_skip(skip);
    let without = Copy::new();
    put(&without, &bare(), json!(0));
    assert_eq!(base::draw(&mut with, &request(0)), base::draw(&mut engine(&without), &request(0)), "to the bit");
    let refused = with.generate(&request(3), &mut (), &CancelToken::new()).expect_err("too many");
    assert!(matches!(refused, Error::BadRequest { field: "clip_skip", .. }), "{refused}");
    copy.edit(|manifest| drop(manifest["text"].as_object_mut().expect("an object").remove("clip_skip")));
    let refused = engine(&copy).generate(&request(1), &mut (), &CancelToken::new()).expect_err("none");
    assert!(refused.to_string().contains(TEXT_ENCODER), "{refused}");
    assert!(refused.hint().is_some_and(|hint| hint.contains("import")), "{refused}");
    // A manifest that promises what the graph does not give.
    put(&copy, &bare(), json!(1));
    let refused = engine(&copy).generate(&request(1), &mut (), &CancelToken::new()).expect_err("no output");
    assert!(refused.to_string().contains(&skipped_state(1)), "{refused}");
}

/// The final normalisation in nine nodes, as exporters of older opsets write it.
fn in_pieces(model: &mut Model) {
    let graph = model.graph_mut().expect("a graph");
    let at = graph.node.iter().rposition(|n| node::has_op(n, "LayerNormalization")).expect("a norm");
    let norm = graph.node.remove(at);
    let [x, weight, bias] = [0, 1, 2].map(|i: usize| norm.input[i].clone());
    let float = |name: &str, value: f32| cones_onnx::proto::TensorProto {
        name: Some(name.into()),
        data_type: Some(cones_onnx::proto::tensor_proto::DataType::Float as i32),
        raw_data: Some(value.to_le_bytes().to_vec().into()),
        ..Default::default()
    };
    graph.initializer.extend([float("two", 2.0), float("epsilon", 1e-5)]);
    graph.initializer.push(tensor::int64s("last", &[1], &[-1]));
    let mean = |input: &str, output: &str| node::new("ReduceMean", &[input, "last"], output);
    let nodes = [
        mean(&x, "n.mean"),
        node::new("Sub", &[&x, "n.mean"], "n.centred"),
        node::new("Pow", &["n.centred", "two"], "n.square"),
        mean("n.square", "n.variance"),
        node::new("Add", &["n.variance", "epsilon"], "n.sum"),
        node::new("Sqrt", &["n.sum"], "n.root"),
        node::new("Div", &["n.centred", "n.root"], "n.normal"),
        node::new("Mul", &["n.normal", &weight], "n.scaled"),
        node::new("Add", &["n.scaled", &bias], norm.output[0].as_str()),
    ];
    graph.node.splice(at..at, nodes);
}

#[test]
fn the_stream_is_found_in_every_dialect() {
    let graph =
        |model: &Model| model.graph().expect("a graph").output.iter().map(|o| o.name().to_owned()).collect::<Vec<_>>();
    let mut model = bare();
    let nodes = model.graph().expect("a graph").node.len();
    in_pieces(&mut model);
    assert_eq!(skipped::add_outputs(&mut model).expect("outputs"), 2);
    assert_eq!(graph(&model), ["last_hidden_state".to_owned(), skipped_state(1), skipped_state(2)]);
    // Nine nodes instead of one, and again for each output: no more is computed twice.
    assert_eq!(model.graph().expect("a graph").node.len(), nodes + 8 + 2 * 9);
    let (whole, pieces) = (extended(), changed(in_pieces));
    let request = Request::new("a dog at night").with_clip_skip(1);
    let [whole, pieces] = [whole, pieces].map(|copy| engine(&copy).embeddings(&request).expect("embeddings"));
    assert!(furthest(&whole[1], &pieces[1]) < 1e-5);
    // The fixture's encoder has one layer: what is left then is the tokens' embeddings.
    let bundle = imported("fused");
    assert_eq!(manifest(&bundle).text.clip_skip, 1);
    let outputs = graph(&Model::open(&bundle.join(TEXT_ENCODER)).expect("a graph"));
    assert_eq!(outputs, ["last_hidden_state".to_owned(), skipped_state(1)]);
    // Without a sum of the stream there is nothing to find.
    let mut other = Model::open(&base::folder().join("vae_decoder.onnx")).expect("a graph");
    assert_eq!(skipped::add_outputs(&mut other).expect("none"), 0);
}
