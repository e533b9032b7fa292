//! Stable Diffusion XL's kind: two text encoders, a pooled embedding, sizes. A tiny one with optimum's names
//! (`tests/fixtures/sdxl`, made by `models/export/make_sdxl_fixtures.py`), against diffusers' StableDiffusionXLPipeline
//! (`tests/golden/make_sdxl.py`).

use std::fs;
use std::path::{Path, PathBuf};

use cones_core::model::bundle::{PENULTIMATE, TEXT_EMBEDS, TEXT_ENCODER, TEXT_ENCODER_2, TIME_IDS, UNET};
use cones_core::model::manifest::{Defaults, TimestepSpacing};
use cones_core::sampling::scheduler::Scheduler;
use cones_core::text::tokenizer::Tokenizer;
use cones_core::{
    Bundle, ConceptMask, Engine, EngineOptions, Init, MemoryMode, MicroConditions, Picture, Request, Scope, Subject,
};
use cones_import::{Error, ImportOptions, Parity, Stage, import as import_with};
use cones_onnx::Model;
use cones_tests::psnr::psnr;
use cones_tests::{base, fixtures, golden};
use serde_json::Value;

use crate::fixture::{copy_all, edit_graph, manifest, temporary, told};
use crate::run::tensor;

/// Options to import an export of the fixture beside a copy of its diffusers folder, which `change` gets with the export's.
fn options(small: bool, change: impl FnOnce(&Path, &Path)) -> (ImportOptions, tempfile::TempDir) {
    let folder = temporary();
    let (onnx, weights) = (folder.path().join("onnx"), folder.path().join("diffusers"));
    copy_all(&fixtures::sdxl().join("onnx"), &onnx);
    copy_all(&fixtures::sdxl().join("diffusers"), &weights);
    if small {
        copy_all(&fixtures::sdxl().join("small/unet"), &weights.join("unet"));
        fs::copy(fixtures::sdxl().join("small/unet.onnx"), onnx.join("unet.onnx")).expect("a graph");
    }
    change(&onnx, &weights);
    let mut options = ImportOptions::new(&onnx, &weights, folder.path().join("bundle"));
    options.name = Some("tiny-xl".into());
    options.licence = "CC0-1.0".into();
    (options, folder)
}

fn compared(options: &ImportOptions) -> Result<Option<Parity>, Error> {
    let mut found = None;
    let mut hear = |stage: Stage<'_>| {
        if let Stage::Compared(parity) = stage {
            found = Some(parity);
        }
    };
    import_with(options, &mut hear, &cones_core::CancelToken::new())?;
    Ok(found)
}

/// The bundle of the fixture; made once for all tests, which only look at it.
fn bundle() -> PathBuf {
    cones_tests::made::once(env!("CARGO_TARGET_TMPDIR"), "sdxl", |bundle| {
        let (mut options, _folder) = options(false, |_, _| ());
        options.out = bundle.to_owned();
        compared(&options).unwrap_or_else(|error| panic!("{}", told(&error)));
    })
}

fn engine_of(path: &Path) -> Engine {
    Engine::new(Bundle::open(path).expect("a bundle"), EngineOptions::default()).expect("an engine")
}

/// The engine for a case: its bundle with the timesteps that the case has.
fn engine(path: &Path, case: &Value) -> (Engine, tempfile::TempDir) {
    let folder = temporary();
    copy_all(path, folder.path());
    let mut made = manifest(folder.path());
    if case["config"]["timestep_spacing"] == "trailing" {
        made.noise_schedule.timestep_spacing = TimestepSpacing::Trailing;
    }
    fs::write(folder.path().join("bundle.json"), serde_json::to_vec(&made).expect("JSON")).expect("a manifest");
    (engine_of(folder.path()), folder)
}

fn number(value: &Value) -> u32 {
    value.as_u64().and_then(|number| u32::try_from(number).ok()).expect("a number")
}

fn request(case: &Value, golden: &Value, engine: &Engine, sheet: &dyn Fn(usize, &Request) -> Picture) -> Request {
    let mut request = Request::new(case["prompt"].as_str().expect("a prompt"))
        .with_negative_prompt(case["negative_prompt"].as_str().unwrap_or_default())
        .with_seed(case["seed"].as_u64().expect("a seed"))
        .with_steps(number(&case["steps"]))
        .with_guidance(case["guidance_scale"].as_f64().expect("a guidance") as f32)
        .with_scheduler(case["scheduler"].as_str().expect("a scheduler").parse().expect("a scheduler"))
        .with_clip_skip(case["clip_skip"].as_u64().unwrap_or(0) as u32);
    (request.width, request.height) =
        (case["width"].as_u64().map(|n| n as u32), case["height"].as_u64().map(|n| n as u32));
    let mut told = MicroConditions::default();
    // Heights come first.
    if let Value::Array(size) = &case["original_size"] {
        told = told.with_original_size(number(&size[1]), number(&size[0]));
    }
    if let Value::Array(crop) = &case["crops_coords_top_left"] {
        told = told.with_crop(number(&crop[0]), number(&crop[1]));
    }
    if let Value::Array(size) = &case["target_size"] {
        told = told.with_target_size(number(&size[1]), number(&size[0]));
    }
    request = request.with_micro_conditions(told);
    if let Some(start) = case["start"].as_u64() {
        let picture = sheet(start as usize, &request);
        request = request.with_init(Init::new(picture, case["strength"].as_f64().expect("a strength") as f32));
    }
    if case["masked"] == true {
        let mask = &golden["mask"];
        let layers = &engine.bundle().manifest().layers;
        let (share, seed) = (mask["share"].as_f64().expect("a share"), mask["seed"].as_u64().expect("a seed"));
        request = request.with_subject(subject(ConceptMask::random(layers, share, seed), Scope::Prompt));
    }
    request
}

fn subject(mask: ConceptMask, scope: Scope) -> Subject {
    let mut subject = Subject::new("toy", mask);
    subject.trigger = "v1 dog".into();
    subject.scope = scope;
    subject
}

/// The lowest likeness to diffusers' of the cases in `key`, whose pictures begin at `first`.
fn lowest(golden: &Value, key: &str, path: &Path, first: usize) -> f64 {
    let side = number(&golden["side"]);
    let whole = cones_tests::sheet::Sheet::open("sdxl/sdxl.png", (side, side));
    let cell = |at: usize, request: &Request| {
        let (width, height) = (request.width.unwrap_or(32), request.height.unwrap_or(32));
        part(&whole.cell(at, 0), width, height)
    };
    let mut lowest = f64::INFINITY;
    for (i, case) in golden[key].as_array().expect("cases").iter().enumerate() {
        let (mut engine, _folder) = engine(path, case);
        let request = request(case, golden, &engine, &cell);
        let drawn = base::draw(&mut engine, &request);
        let likeness = psnr(&drawn, &cell(first + i, &request));
        println!(
            "{likeness:6.2} dB  {key} {i}: {} {} steps, guidance {}",
            case["scheduler"], case["steps"], case["guidance_scale"]
        );
        lowest = lowest.min(likeness);
    }
    lowest
}

/// The upper left part of a picture.
fn part(picture: &Picture, width: u32, height: u32) -> Picture {
    let lines = picture.rgb.chunks_exact(3 * picture.width as usize).take(height as usize);
    Picture { width, height, rgb: lines.flat_map(|line| &line[..3 * width as usize]).copied().collect() }
}

fn golden() -> Value {
    golden::json("sdxl/sdxl.json")
}

#[test]
fn an_export_of_optimum_becomes_a_bundle_of_two_text_encoders() {
    let (options, _folder) = options(false, |_, _| ());
    let parity = compared(&options).unwrap_or_else(|error| panic!("{}", told(&error))).expect("a comparison");
    println!("{parity}");
    assert!(parity.text < 1e-5 && parity.step < 1e-5 && parity.picture > 80.0, "{parity}");
    let made = manifest(&options.out);
    let second = made.text_2.expect("a second text encoder");
    assert_eq!((made.schema, made.text.hidden_size, second.hidden_size, second.projection_dim), (5, 8, 12, 12));
    assert_eq!((made.text.pad_token_id, second.pad_token_id), (made.text.eos_token_id, 0));
    assert!(second.force_zeros_for_empty_prompt && (made.vae.scaling_factor - 0.13025).abs() < 1e-9);
    assert_eq!(made.text.clip_skip, 2, "three layers: two states before the one that is taken");
    assert_eq!(made.defaults, Defaults::new(20, 5.0, Scheduler::Euler));
    // None in the first level, two and three blocks below; twice as many on the way up.
    let of = |start: &str| made.layers.iter().filter(|layer| layer.name.starts_with(start)).count();
    assert_eq!((of("down_blocks.0"), of("down_blocks.1"), of("down_blocks.2")), (0, 4, 6));
    assert_eq!((of("mid_block"), of("up_blocks.0"), of("up_blocks.1"), of("up_blocks.2")), (6, 12, 8, 0));
    assert!(made.layers.iter().all(|layer| layer.columns == 20));
    golden::check_weights(
        golden()["fingerprint"].as_str().expect("a fingerprint"),
        &Bundle::open(&options.out).expect("a bundle"),
    );
    let ports = |file: &str| {
        let model = Model::open(&options.out.join(file)).expect("a graph");
        let graph = model.graph().expect("a graph");
        let names = |values: &[cones_onnx::proto::ValueInfoProto]| {
            values.iter().map(|v| v.name().to_owned()).collect::<Vec<_>>()
        };
        (names(&graph.input), names(&graph.output))
    };
    assert_eq!(
        ports(TEXT_ENCODER),
        (
            vec!["input_ids".into()],
            vec![PENULTIMATE.into(), "hidden_state_skip_1".into(), "hidden_state_skip_2".into()]
        )
    );
    assert_eq!(ports(TEXT_ENCODER_2).1[..2], [PENULTIMATE.to_owned(), TEXT_EMBEDS.to_owned()]);
    let unet = ports(UNET).0;
    assert!([TEXT_EMBEDS, TIME_IDS].iter().all(|name| unet.contains(&(*name).to_owned())), "{unet:?}");
}

#[test]
fn both_tokenizers_are_those_of_transformers() {
    let made = manifest(&bundle());
    let second = made.text.of_second(&made.text_2.expect("a second text encoder"));
    let open = |file: &str, text| Tokenizer::open(&bundle().join(file), text).expect("a tokenizer");
    let both = [open("tokenizer.json", made.text), open("tokenizer_2.json", second)];
    for (prompt, expected) in golden()["tokens"].as_object().expect("tokens") {
        let found: Vec<Vec<u32>> = both.iter().map(|one| one.encode(prompt).expect("tokens").ids).collect();
        let expected: Vec<Vec<u32>> = serde_json::from_value(expected.clone()).expect("ids");
        assert_eq!(found, expected, "`{prompt}`");
    }
}

#[test]
fn embeddings_are_those_of_diffusers() {
    let (golden, mut engine) = (golden(), engine_of(&bundle()));
    let file = golden::path("sdxl/embeddings.safetensors");
    for i in [0, 3, 4] {
        let request = request(&golden["cases"][i], &golden, &engine, &|_, _| unreachable!("no start"));
        let found = engine.embeddings(&request).expect("embeddings");
        let conditions = engine.conditions(&request).expect("K and V");
        for (side, (embedding, pooled)) in
            [("negative", "negative_pooled"), ("prompt", "pooled")].into_iter().enumerate()
        {
            let gap = |expected: &str, found: &[f32]| {
                let expected = tensor(&file, &format!("{i}.{expected}")).data;
                assert_eq!(found.len(), expected.len());
                found.iter().zip(&expected).fold(0.0f32, |most, (a, b)| most.max((a - b).abs()))
            };
            let (rows, whole) = (gap(embedding, &found[side]), gap(pooled, &conditions[side].text_embeds));
            println!("{i} {embedding}: {rows:e}, pooled {whole:e}");
            assert!(rows < 1e-4 && whole < 1e-4, "{i} {embedding}: {rows:e}, pooled {whole:e}");
        }
    }
}

#[test]
fn pictures_are_diffusers() {
    let golden = golden();
    // What could be forgotten shows.
    let effects = golden["effects"].as_object().expect("effects");
    assert!(effects.len() >= 7 && effects.values().all(|near| near.as_f64().expect("a number") < 35.0), "{effects:?}");
    let lowest = lowest(&golden, "cases", &bundle(), 0);
    assert!(lowest >= 45.0, "{lowest:.2} dB");
}

#[test]
fn a_small_child_is_imported_and_draws_as_diffusers() {
    let (options, _folder) = options(true, |_, _| ());
    let parity = compared(&options).unwrap_or_else(|error| panic!("{}", told(&error))).expect("a comparison");
    assert!(parity.step < 1e-5, "{parity}");
    let made = manifest(&options.out);
    let golden = golden();
    let opened = Bundle::open(&options.out).expect("a bundle");
    golden::check_weights(golden["small_fingerprint"].as_str().expect("a fingerprint"), &opened);
    assert!(!made.layers.iter().any(|layer| layer.name.starts_with("mid_block")), "no attention in the middle");
    let first = golden["cases"].as_array().expect("cases").len();
    let lowest = lowest(&golden, "small", &options.out, first);
    assert!(lowest >= 45.0, "{lowest:.2} dB");
}

/// A picture with the least memory is as one with much, to rounding: encoders are loaded one after another.
#[test]
fn every_way_of_memory_draws_the_same() {
    let golden = golden();
    let mut least = EngineOptions::default();
    least.memory = MemoryMode::Least;
    let mut least = Engine::new(Bundle::open(bundle()).expect("a bundle"), least).expect("an engine");
    let mut most = engine_of(&bundle());
    let request = request(&golden["cases"][0], &golden, &most, &|_, _| unreachable!("no start"));
    let (sparing, fast) = (base::draw(&mut least, &request), base::draw(&mut most, &request));
    assert!(psnr(&sparing, &fast) > 45.0);
    let plan = least.memory_plan(&request).expect("a plan");
    let stages: Vec<&str> = plan.stages.iter().map(|stage| stage.graph).collect();
    assert_eq!(stages, [TEXT_ENCODER, TEXT_ENCODER_2, UNET, "vae_decoder.onnx"]);
}

#[test]
fn hidden_states_are_found_where_an_export_does_not_name_them() {
    let (options, _folder) = options(false, |onnx, _| {
        for graph in ["text_encoder.onnx", "text_encoder_2.onnx"] {
            edit_graph(&onnx.join(graph), |graph| graph.output.retain(|o| !o.name().starts_with("hidden_states.")));
        }
    });
    assert_eq!(compared(&options).unwrap_or_else(|error| panic!("{}", told(&error))), None, "nothing to compare with");
    let (golden, mut found, mut named) = (golden(), engine_of(&options.out), engine_of(&bundle()));
    for skip in 0..=2 {
        let request =
            request(&golden["cases"][3], &golden, &found, &|_, _| unreachable!("no start")).with_clip_skip(skip);
        assert_eq!(found.embeddings(&request).expect("embeddings"), named.embeddings(&request).expect("embeddings"));
    }
}

#[test]
fn a_trigger_is_masked_where_each_tokenizer_has_it() {
    let mut engine = engine_of(&bundle());
    let layers = engine.bundle().manifest().layers.clone();
    let on = subject(ConceptMask::random(&layers, 0.3, 3), Scope::Trigger);
    let changed = |engine: &mut Engine, prompt: &str| {
        let off = engine.key_values(prompt, &[]).expect("K and V");
        let with = engine.key_values(prompt, std::slice::from_ref(&on)).expect("K and V");
        assert_eq!(off.text_embeds, with.text_embeds);
        let rows = layers[0].rows as usize;
        let bits = |row: &[f32]| row.iter().map(|value| value.to_bits()).collect::<Vec<_>>();
        let tokens = off.layers[0].chunks(rows).zip(with.layers[0].chunks(rows)).enumerate();
        tokens.filter(|(_, (off, on))| bits(off) != bits(on)).map(|(token, _)| token).collect::<Vec<_>>()
    };
    // `v1` is two tokens: a word and a number.
    let place = engine.positions("a v1 dog on grass", "v1 dog", &[]).expect("places");
    assert_eq!(changed(&mut engine, "a v1 dog on grass"), place);
    assert!(changed(&mut engine, "a cat on grass").is_empty(), "not named: not a bit");
    // The first tokenizer makes one token of `!!`, the second two; the rows of both have their own half of the mask.
    let first = engine.positions("a!! v1 dog", "v1 dog", &[]).expect("places");
    let both: Vec<usize> = (first[0]..=first[first.len() - 1] + 1).collect();
    assert_eq!(changed(&mut engine, "a!! v1 dog"), both);
    let dense = |prompt: &str| {
        let mut other = engine_of(&bundle());
        let embedding = other.embed(prompt).expect("an embedding");
        let values = other.key_values(prompt, std::slice::from_ref(&on)).expect("K and V");
        let matrix = tensor(&bundle().join("attention.safetensors"), &layers[0].name);
        let columns = layers[0].columns as usize;
        let shut: std::collections::HashSet<usize> = on.mask.neurons(0).collect();
        let second = first.iter().map(|token| token + 1).collect::<Vec<_>>();
        let mut most = 0.0f64;
        for (token, row) in embedding.chunks(columns).enumerate() {
            for (r, weights) in matrix.data.chunks(columns).enumerate() {
                let product = weights.iter().zip(row).enumerate().map(|(c, (w, x))| {
                    let named = if c < 8 { first.contains(&token) } else { second.contains(&token) };
                    if named && shut.contains(&(r * columns + c)) { 0.0 } else { f64::from(*w) * f64::from(*x) }
                });
                let found = f64::from(values.layers[0][token * matrix.shape[0] + r]);
                most = most.max((found - product.sum::<f64>()).abs());
            }
        }
        most
    };
    let gap = dense("a!! v1 dog");
    assert!(gap < 1e-4, "{gap:e}");
}

#[test]
fn what_does_not_fit_is_refused_with_its_reason() {
    let change = |file: &'static str, key: &'static str, value: Value| {
        let (options, _folder) = options(false, |_, weights| {
            let path = weights.join(file);
            let mut config: Value = serde_json::from_slice(&fs::read(&path).expect("a file")).expect("JSON");
            config[key] = value;
            fs::write(path, config.to_string()).expect("a file");
        });
        told(&compared(&options).expect_err("no such model"))
    };
    for (file, key, value, says) in [
        ("unet/config.json", "cross_attention_dim", 8.into(), "both text encoders' together"),
        (
            "unet/config.json",
            "projection_class_embeddings_input_dim",
            35.into(),
            "`projection_class_embeddings_input_dim`",
        ),
        (
            "text_encoder_2/config.json",
            "architectures",
            serde_json::json!(["CLIPTextModel"]),
            "CLIPTextModelWithProjection",
        ),
        ("tokenizer_2/tokenizer_config.json", "model_max_length", 12.into(), "prompts of 12 tokens"),
    ] {
        let refused = change(file, key, value);
        assert!(refused.contains(says), "{refused}");
    }
    let (options, _folder) =
        options(false, |_, weights| fs::remove_dir_all(weights.join("text_encoder")).expect("a folder"));
    let refused = told(&compared(&options).expect_err("a refiner"));
    assert!(refused.contains("refiner"), "{refused}");
    // Of requests.
    let mut engine = engine_of(&bundle());
    let wrong = Request::new("a dog").with_micro_conditions(MicroConditions::default().with_target_size(0, 8));
    let refused = engine.memory_plan(&wrong).expect_err("no size").to_string();
    assert!(refused.contains("target_size"), "{refused}");
    let mut learned = subject(ConceptMask::random(&engine.bundle().manifest().layers, 0.1, 1), Scope::Trigger);
    let values = vec![half::f16::ONE; 8 * 3];
    learned.embeddings =
        Some(std::sync::Arc::new(cones_core::subjects::pack::TokenEmbeddings { width: 8, values, in_place: false }));
    let refused =
        engine.generate(&Request::new("a v1 dog").with_subject(learned), &mut (), &cones_core::CancelToken::new());
    assert!(refused.is_err_and(|error| error.to_string().contains("has two")));
    let mut toybox = Engine::new(base::bundle(), base::options()).expect("an engine");
    let told_sizes = Request::new("a dog").with_micro_conditions(MicroConditions::default().with_crop(1, 0));
    let refused = toybox.generate(&told_sizes, &mut (), &cones_core::CancelToken::new());
    assert!(refused.is_err_and(|error| error.to_string().contains("told of no size")));
}
