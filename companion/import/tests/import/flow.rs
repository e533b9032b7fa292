//! Models that a language model's embeddings lead, trained by flow matching: Sana's kind and DreamLite-mobile's, tiny ones
//! (`tests/fixtures/flow`, made by `models/export/make_flow_fixtures.py`), against diffusers (`tests/golden/make_flow.py`).
#![allow(clippy::print_stdout, reason = "tests say what they measure")]

use std::fs;
use std::path::{Path, PathBuf};

use cones_core::model::bundle::{ENCODER_HID_PROJ, TEXT_ENCODER, TOKENIZER};
use cones_core::model::manifest::{AdditionEmbedType, Defaults, GivenText, PredictionType};
use cones_core::sampling::scheduler::Scheduler;
use cones_core::{
    Bundle, ConceptMask, Engine, EngineOptions, Error, GivenEmbeds, Picture, PromptEmbeds, Request, Scope, Subject,
};
use cones_import::{ImportOptions, Stage, import as import_with};
use cones_tests::psnr::psnr;
use cones_tests::{base, fixtures, golden};
use safetensors::SafeTensors;
use serde_json::Value;

use crate::fixture::{copy_all, manifest, temporary, told};

/// Options to import one of both, beside a copy of its diffusers folder, which `change` gets with the export's.
fn options(kind: &str, change: impl FnOnce(&Path, &Path)) -> (ImportOptions, tempfile::TempDir) {
    let folder = temporary();
    let (onnx, weights) = (folder.path().join("onnx"), folder.path().join("diffusers"));
    copy_all(&fixtures::flow().join(kind).join("onnx"), &onnx);
    copy_all(&fixtures::flow().join(kind).join("diffusers"), &weights);
    change(&onnx, &weights);
    let mut options = ImportOptions::new(&onnx, &weights, folder.path().join("bundle"));
    options.name = Some(format!("tiny-{kind}"));
    (options, folder)
}

fn import(options: &ImportOptions) -> Result<Vec<String>, cones_import::Error> {
    let mut stages = Vec::new();
    let mut hear = |stage: Stage<'_>| stages.push(stage.to_string());
    import_with(options, &mut hear, &cones_core::CancelToken::new())?;
    Ok(stages)
}

/// The bundle of one of both; made once for all tests, which only look at it.
fn bundle(kind: &str) -> PathBuf {
    cones_tests::made::once(env!("CARGO_TARGET_TMPDIR"), kind, |bundle| {
        let (mut options, _folder) = options(kind, |_, _| ());
        options.out = bundle.to_owned();
        let stages = import(&options).unwrap_or_else(|error| panic!("{}", told(&error)));
        println!("{}", stages.join("\n"));
        assert!(stages.iter().any(|stage| stage.starts_with("one step and one decode")), "{stages:?}");
    })
}

fn engine(kind: &str) -> Engine {
    Engine::new(Bundle::open(bundle(kind)).expect("a bundle"), EngineOptions::default()).expect("an engine")
}

#[test]
fn a_bundle_says_what_its_app_is_to_bring() {
    let dream = manifest(&bundle("dreamlite"));
    let sana = manifest(&bundle("sana"));
    assert_eq!(sana.schema, 6);
    assert_eq!(sana.given_text, Some(GivenText::new(Some(32), true)));
    assert_eq!((sana.text.max_length, sana.embeds_size(), sana.context_size()), (300, 24, 32));
    assert_eq!(sana.prediction_type, PredictionType::FlowPrediction);
    assert_eq!(sana.defaults, Defaults::new(20, 4.5, Scheduler::Euler));
    assert_eq!(sana.addition_embed_type, None);
    assert_eq!(dream.given_text, Some(GivenText::new(Some(24), true)));
    assert_eq!((dream.text.max_length, dream.embeds_size()), (16, 20));
    assert_eq!((dream.image.width, dream.image.height, dream.fixed.batch), (48, 32, Some(1)));
    assert_eq!(dream.defaults, Defaults::new(4, 1.0, Scheduler::Euler));
    assert_eq!(dream.addition_embed_type, Some(AdditionEmbedType::Time));
    for manifest in [sana, dream] {
        assert!(manifest.files.contains_key(ENCODER_HID_PROJ));
        assert!([TEXT_ENCODER, TOKENIZER].iter().all(|file| !manifest.files.contains_key(*file)));
    }
}

#[test]
fn words_are_refused_with_what_is_taken() {
    for (kind, most) in [("dreamlite", 16), ("sana", 300)] {
        let error = engine(kind).generate(&Request::new("a dog"), &mut (), &Default::default()).expect_err("no words");
        let text = error.to_string();
        assert!(matches!(error, Error::BadRequest { field: "prompt_embeds", .. }), "{text}");
        assert!(text.contains("has no text encoder") && text.contains(&format!("up to {most} tokens")), "{text}");
    }
}

/// What a language model made of the prompts: the tokens alone that there are.
fn embeds(kind: &str, guided: bool) -> GivenEmbeds {
    let file = fs::read(golden::path(&format!("flow/{kind}.safetensors"))).expect("golden embeddings");
    let tensors = SafeTensors::deserialize(&file).expect("golden embeddings");
    let of = |name: &str| {
        let data = tensors.tensor(name).expect("a golden tensor").data();
        let numbers = data.chunks_exact(4).map(|bytes| f32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]));
        PromptEmbeds::new(numbers.collect(), Vec::new())
    };
    let given = GivenEmbeds::new(of("prompt_embeds"));
    if guided { given.with_negative(of("negative_prompt_embeds")) } else { given }
}

/// What a golden picture was asked for.
fn request(kind: &str, name: &str, golden: &Value) -> Request {
    let (case, sizes) = (&golden["cases"][name], &golden[kind]);
    let number = |value: &Value| u32::try_from(value.as_u64().expect("a number")).expect("a number");
    let guidance = case["guidance_scale"].as_f64().or_else(|| sizes["guidance_scale"].as_f64()).unwrap_or(1.0) as f32;
    let mut request = Request::new("")
        .with_seed(golden["seed"].as_u64().expect("a seed"))
        .with_steps(number(&golden["steps"]))
        .with_guidance(guidance)
        .with_prompt_embeds(embeds(kind, guidance > 1.0));
    (request.width, request.height) = (Some(number(&sizes["width"])), Some(number(&sizes["height"])));
    if case["scheduler"] == "scheduler_dpm" {
        request = request.with_scheduler(Scheduler::DpmSolverPlusPlus2M);
    }
    if case["masked"] == true {
        let layers = manifest(&bundle(kind)).layers;
        let share = golden["mask"]["share"].as_f64().expect("a share");
        let mask = ConceptMask::random(&layers, share, golden["mask"]["seed"].as_u64().expect("a seed"));
        let mut subject = Subject::new("toy", mask);
        subject.scope = Scope::Prompt;
        request = request.with_subject(subject);
    }
    request
}

fn expected(name: &str) -> Picture {
    Picture::open(&golden::path(&format!("flow/{name}.png"))).expect("a golden picture")
}

#[test]
fn pictures_are_those_of_diffusers() {
    let golden: Value = golden::json("flow/flow.json");
    for (kind, name) in [
        ("sana", "sana-euler"),
        ("sana", "sana-dpm"),
        ("sana", "sana-plain"),
        ("sana", "sana-masked"),
        ("dreamlite", "dreamlite"),
        ("dreamlite", "dreamlite-masked"),
    ] {
        let drawn = base::draw(&mut engine(kind), &request(kind, name, &golden));
        let likeness = psnr(&drawn, &expected(name));
        println!("{likeness:6.2} dB  {name}");
        assert!(likeness >= 50.0, "{name}: {likeness:.2} dB");
    }
    // What could be forgotten and go unseen.
    for (what, likeness) in golden["effects"].as_object().expect("effects") {
        let likeness = likeness.as_f64().expect("a number");
        assert!(likeness < 45.0, "a picture without {what} is {likeness} dB like the whole one");
    }
}
