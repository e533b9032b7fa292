//! Models that a language model's embeddings lead, trained by flow matching: Sana's kind and DreamLite-mobile's, tiny ones
//! (`tests/fixtures/flow`, made by `models/export/make_flow_fixtures.py`), against diffusers (`tests/golden/make_flow.py`).
#![allow(clippy::print_stdout, reason = "tests say what they measure")]

use std::fs;
use std::path::{Path, PathBuf};

use cones_core::model::bundle::{ENCODER_HID_PROJ, TEXT_ENCODER, TOKENIZER};
use cones_core::model::manifest::{AdditionEmbedType, Defaults, GivenText, PredictionType};
use cones_core::sampling::scheduler::Scheduler;
use cones_core::{
    Bundle, CancelToken, ConceptMask, Engine, EngineOptions, Error, GivenEmbeds, Init, MemoryMode, MicroConditions,
    Picture, PromptEmbeds, Request, Scope, Subject,
};
use cones_import::{ImportOptions, Stage, import as import_with};
use cones_tests::psnr::psnr;
use cones_tests::{base, fixtures, golden};
use safetensors::SafeTensors;
use serde_json::{Value, json};

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
    assert!(dream.takes_image() && !dream.takes_region() && !sana.takes_image());
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
    if case["image"].is_string() {
        request = request.with_image(expected("dreamlite"));
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
        ("dreamlite", "dreamlite-edit"),
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

fn draw(kind: &str, request: &Request) -> Result<Picture, Error> {
    let drawn = engine(kind).generate(request, &mut (), &CancelToken::new())?;
    Ok(drawn.pictures.into_iter().next().expect("a picture").picture)
}

fn refused(kind: &str, request: &Request) -> String {
    match draw(kind, request) {
        Err(error @ Error::BadRequest { .. }) => error.to_string(),
        other => panic!("not refused: {other:?}"),
    }
}

#[test]
fn the_models_own_scheduler_is_taken_and_others_are_refused() {
    // As diffusers writes it, with a `-Infinity` that is no JSON.
    let (options, _folder) = options("sana", |_, weights| {
        fs::remove_dir_all(weights.join("scheduler")).expect("a removed folder");
        fs::rename(weights.join("scheduler_dpm"), weights.join("scheduler")).expect("a renamed folder");
    });
    import(&options).unwrap_or_else(|error| panic!("{}", told(&error)));
    assert_eq!(manifest(&options.out).defaults.scheduler, Scheduler::DpmSolverPlusPlus2M);
    let golden: Value = golden::json("flow/flow.json");
    for scheduler in [Scheduler::Ddim, Scheduler::EulerAncestral, Scheduler::Lcm, Scheduler::Tcd] {
        let error = refused("sana", &request("sana", "sana-euler", &golden).with_scheduler(scheduler));
        assert!(error.contains("flow matching") && error.contains("euler or dpm++2m"), "{error}");
    }
}

#[test]
fn a_subject_is_switched_on_where_its_words_stand() {
    let golden: Value = golden::json("flow/flow.json");
    for kind in ["sana", "dreamlite"] {
        let name = if kind == "sana" { "sana-euler" } else { kind };
        let plain = request(kind, name, &golden);
        let mask = ConceptMask::random(&manifest(&bundle(kind)).layers, 0.3, 5);
        let mut subject = Subject::new("rex", mask).on_trigger("a dog");
        let on = |subject: &Subject, words: &[usize]| {
            let mut asked = plain.clone().with_subject(subject.clone());
            let given = asked.prompt_embeds.take().expect("embeddings").with_words("rex", words.to_vec());
            asked.with_prompt_embeds(given)
        };
        let own = plain.prompt_embeds.as_ref().expect("embeddings").prompt.prompt_embeds.len()
            / manifest(&bundle(kind)).embeds_size() as usize;
        let everywhere: Vec<usize> = (0..own).collect();
        let [off, some, all] = [plain.clone(), on(&subject, &[1, 2]), on(&subject, &everywhere)]
            .map(|request| draw(kind, &request).expect("a picture"));
        assert!(off != some && some != all && off != all, "{kind}");
        let beyond = refused(kind, &on(&subject, &[own]));
        assert!(beyond.contains(&format!("token {own}")), "{beyond}");
        // Tokens that fill up are not looked at, whatever is done to them: all tokens are all that there are.
        if kind == "dreamlite" {
            subject.scope = Scope::Prompt;
            assert_eq!(draw(kind, &on(&subject, &[])).expect("a picture"), all);
        }
    }
}

#[test]
fn prompts_are_as_long_as_they_are() {
    let golden: Value = golden::json("flow/flow.json");
    for (kind, name, most, width) in [("sana", "sana-plain", 300, 24), ("dreamlite", "dreamlite", 16, 20)] {
        let of = |tokens: usize| {
            let numbers = (0..tokens * width).map(|i| (i % 7) as f32 / 7.0).collect();
            request(kind, name, &golden)
                .with_steps(1)
                .with_prompt_embeds(GivenEmbeds::new(PromptEmbeds::new(numbers, Vec::new())))
        };
        let [one, whole] = [1, most].map(|tokens| draw(kind, &of(tokens)).expect("a picture"));
        assert_ne!(one, whole, "{kind}");
        for tokens in [0, most + 1] {
            let error = refused(kind, &of(tokens));
            assert!(error.contains(&format!("1 to {most} tokens of {width}")), "{error}");
        }
        let mut broken = of(2);
        let embeds = broken.prompt_embeds.take().expect("embeddings");
        let mut numbers = embeds.prompt.prompt_embeds.clone();
        numbers.pop();
        let odd = broken.clone().with_prompt_embeds(GivenEmbeds::new(PromptEmbeds::new(numbers.clone(), Vec::new())));
        assert!(refused(kind, &odd).contains("numbers"), "{kind}");
        numbers.push(f32::NAN);
        let wild = broken.with_prompt_embeds(GivenEmbeds::new(PromptEmbeds::new(numbers, Vec::new())));
        assert!(refused(kind, &wild).contains("no number"), "{kind}");
    }
}

#[test]
fn every_arrangement_of_memory_draws_the_same() {
    let golden: Value = golden::json("flow/flow.json");
    for (kind, name) in [("sana", "sana-euler"), ("dreamlite", "dreamlite")] {
        let asked = request(kind, name, &golden);
        let pictures = [MemoryMode::Resident, MemoryMode::Sequential, MemoryMode::Least].map(|mode| {
            let options = EngineOptions::default().with_memory(mode);
            let mut engine = Engine::new(Bundle::open(bundle(kind)).expect("a bundle"), options).expect("an engine");
            let plan = engine.memory_plan(&asked).expect("a plan");
            let stages: Vec<&str> = plan.stages.iter().map(|stage| stage.graph).collect();
            assert_eq!(stages, [ENCODER_HID_PROJ, "unet.onnx", "vae_decoder.onnx"], "{kind}");
            base::draw(&mut engine, &asked)
        });
        for picture in &pictures[1..] {
            let likeness = psnr(picture, &pictures[0]);
            assert!(likeness > 60.0, "{kind}: {likeness}");
        }
    }
}

#[test]
fn dream_lite_is_told_of_the_pictures_size_and_sana_of_none() {
    let golden: Value = golden::json("flow/flow.json");
    let plain = request("dreamlite", "dreamlite", &golden);
    let size = MicroConditions::default().with_original_size(1024, 64);
    let told = plain.clone().with_micro_conditions(size);
    assert_ne!(draw("dreamlite", &told).expect("a picture"), draw("dreamlite", &plain).expect("a picture"));
    let cut = refused("dreamlite", &plain.with_micro_conditions(MicroConditions::default().with_crop(1, 0)));
    assert!(cut.contains("original size alone"), "{cut}");
    let none = refused("sana", &request("sana", "sana-plain", &golden).with_micro_conditions(size));
    assert!(none.contains("is told of no size"), "{none}");
}

#[test]
fn a_picture_to_be_changed_is_for_models_that_take_one() {
    let golden: Value = golden::json("flow/flow.json");
    let asked = request("dreamlite", "dreamlite-edit", &golden);
    let drawn = engine("dreamlite").generate(&asked, &mut (), &CancelToken::new()).expect("a picture");
    let recipe = &drawn.pictures[0].recipe;
    assert_eq!(recipe.image_sha256, Some(cones_core::Sha256::digest(&expected("dreamlite").rgb)));
    assert!(recipe.parameters().contains(", Image: "), "{}", recipe.parameters());
    let plan = engine("dreamlite").memory_plan(&asked).expect("a plan");
    assert!(plan.stages.iter().any(|stage| stage.graph == "vae_encoder.onnx"), "{plan:?}");
    let torn = Picture { width: 4, height: 4, rgb: vec![0; 5] };
    assert!(refused("dreamlite", &asked.clone().with_image(torn)).contains("another number of bytes"));
    let mut other = request("sana", "sana-plain", &golden);
    other.image = asked.image;
    let error = refused("sana", &other);
    assert!(error.contains("takes none") && error.contains("DreamLite"), "{error}");
}

#[test]
fn a_picture_can_be_begun_from_another() {
    let golden: Value = golden::json("flow/flow.json");
    let asked = request("sana", "sana-euler", &golden);
    let from = |strength| {
        let asked = asked.clone().with_init(Init::new(expected("sana-euler"), strength));
        psnr(&draw("sana", &asked).expect("a picture"), &expected("sana-euler"))
    };
    // All noise leaves nothing of the picture: it is drawn as from nothing. (These weights are no one's: a VAE of theirs gives no
    // picture back that it was given.)
    let (some, all) = (from(0.25), from(1.0));
    assert!(all > 60.0 && some < 60.0, "{some} dB with a quarter of the noise, {all} dB with all of it");
}

/// What is changed in a copy of the fixture, and what the refusal says.
#[test]
fn what_cannot_be_drawn_is_named() {
    let edit = |weights: &Path, file: &str, key: &str, value: Value| {
        let path = weights.join(file);
        let mut config: Value = serde_json::from_slice(&fs::read(&path).expect("a file")).expect("JSON");
        config[key] = value;
        fs::write(&path, config.to_string()).expect("a file");
    };
    let (network, scheduler) = ("transformer/config.json", "scheduler/scheduler_config.json");
    for (file, key, value, words) in [
        (network, "_class_name", json!("FluxTransformer2DModel"), ["the same attention", "FLUX"]),
        (network, "_class_name", json!("SD3Transformer2DModel"), ["the same attention", "Stable Diffusion 3"]),
        (network, "guidance_embeds", json!(true), ["Sana-Sprint", "guidance_embeds"]),
        (network, "timestep_scale", json!(0.001), ["timestep_scale", "not supported"]),
        (network, "cross_attention_dim", json!(33), ["32 columns", "33"]),
        (scheduler, "use_karras_sigmas", json!(true), ["use_karras_sigmas", "not supported"]),
        (scheduler, "_class_name", json!("SCMScheduler"), ["SCMScheduler", "DDIMScheduler"]),
    ] {
        let (options, _folder) = options("sana", |_, weights| edit(weights, file, key, value));
        let error = told(&import(&options).expect_err(key));
        assert!(words.iter().all(|word| error.contains(word)), "{key}: {error}");
        assert!(!options.out.exists(), "{key}");
    }
}
