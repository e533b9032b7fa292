//! Learned words and LoRAs as people share them, against diffusers. Vectors: `tests/golden/make_adapters.py`.
#![allow(clippy::print_stdout, reason = "tests say what they measure")]

use cones_core::subjects::pack::{Metadata, Pack, Precision};
use cones_core::{Bundle, ConceptMask, Engine, LowRank, Picture, Request, Subject};
use cones_import::{Embedding, Error, Lora};
use cones_tests::psnr::psnr;
use cones_tests::sheet::Sheet;
use cones_tests::{base, golden};
use safetensors::tensor::{Dtype, SafeTensors, TensorView};
use serde_json::Value;

/// Of the largest value. Vectors are kept in float16, as differences: diffusers with vectors that are rounded so is off from
/// itself by up to 2e-3 on these prompts.
const EMBEDDED: f32 = 3e-3;
const EXACT: f32 = 1e-5;
/// Lowest likeness of pictures, in dB.
const LEAST: f64 = 45.0;

fn parameters() -> Value {
    let parameters: Value = golden::json("adapters/adapters.json");
    golden::check_weights(parameters["fingerprint"].as_str().expect("a fingerprint"), &base::bundle());
    parameters
}

fn expected(name: &str) -> Vec<f32> {
    let file = golden::read("adapters/expected.safetensors");
    let tensors = SafeTensors::deserialize(&file).expect("golden values");
    let data = tensors.tensor(name).unwrap_or_else(|error| panic!("{name}: {error}")).data().to_vec();
    data.as_chunks::<4>().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect()
}

/// The pictures of the script: base, with the words, with either LoRA.
fn picture(column: usize) -> Picture {
    let size = base::bundle().manifest().image;
    Sheet::open("adapters/pictures.png", (size.width, size.height)).cell(column, 0)
}

fn request(golden: &Value) -> Request {
    let text = |key: &str| golden[key].as_str().expect("a text").to_owned();
    let number = |key: &str| golden[key].as_f64().expect("a number");
    let request = Request::new(text("prompt")).with_negative_prompt(text("negative_prompt"));
    let request = request.with_scheduler("ddim".parse().expect("a scheduler")).with_steps(number("steps") as u32);
    request.with_guidance(number("guidance") as f32).with_seed(number("seed") as u64)
}

/// Through a pack's bytes, as a user gets it.
fn as_pack(change: impl FnOnce(&Bundle) -> Pack) -> Subject {
    let bundle = base::bundle();
    let bytes = change(&bundle).encode().expect("within the limits");
    Pack::decode("test", &bytes, bundle.manifest()).expect("whole").subject()
}

fn word(file: &str, trigger: &str) -> Subject {
    let embedding = Embedding::open(&golden::path(&format!("adapters/{file}.safetensors"))).expect("an embedding");
    as_pack(|bundle| {
        let mask = ConceptMask::empty(&bundle.manifest().layers);
        let mut pack =
            Pack::new(Metadata::new("word", trigger, ""), bundle.manifest().fingerprint, mask, Precision::Binary);
        pack.embeddings = Some(embedding.in_place_of(trigger, bundle).expect("fits"));
        pack
    })
}

fn words(parameters: &Value) -> Vec<Subject> {
    let of = |file: &str| word(file, parameters["words"][file].as_str().expect("a word"));
    let mut other = of("emb_params");
    other.name = "other".into();
    vec![of("learned_embeds"), other]
}

fn lora(file: &str) -> Subject {
    let lora = Lora::open(&golden::path(&format!("adapters/{file}.safetensors"))).expect("a LoRA");
    as_pack(|bundle| {
        let manifest = bundle.manifest();
        let low_rank = lora.low_rank(&manifest.layers, 1.0).expect("keys and values alone");
        Pack::of_low_rank(Metadata::new(file, "", "style"), manifest, low_rank)
    })
}

fn assert_near(found: &[f32], expected: &[f32], tolerance: f32, what: &str) {
    assert_eq!(found.len(), expected.len(), "{what}");
    let gap = found.iter().zip(expected).fold(0.0f32, |most, (f, e)| most.max((f - e).abs()));
    let size = expected.iter().fold(0.0f32, |most, e| most.max(e.abs()));
    println!("{what}: {gap:.1e} of {size:.1}");
    assert!(gap <= tolerance * size, "{what}: {gap:e} of {size}");
}

fn assert_like(subjects: Vec<Subject>, golden: &Value, column: usize, engine: &mut Engine) {
    let mut request = request(golden);
    request.subjects = subjects;
    let drawn = base::draw(engine, &request);
    let likeness = psnr(&drawn, &picture(column));
    let confusion = (0..4).filter(|other| *other != column).map(|other| psnr(&drawn, &picture(other)));
    let confusion = confusion.fold(0.0, f64::max);
    println!("picture {column}: {likeness:.2} dB, another one {confusion:.2} dB");
    assert!(likeness >= LEAST && confusion + 10.0 < likeness, "{column}: {likeness:.2} dB, another {confusion:.2} dB");
}

#[test]
fn words_of_several_vectors_are_diffusers() {
    let parameters = parameters();
    let words = words(&parameters);
    let mut engine = base::shared();
    for (number, prompt) in parameters["prompts"].as_array().expect("prompts").iter().enumerate() {
        let prompt = prompt.as_str().expect("a prompt");
        let found = engine.embed_with(prompt, &words).expect("an embedding");
        assert_near(&found, &expected(&format!("hidden.{number}")), EMBEDDED, prompt);
        // As many rows as there are vectors, all of them in the place of the one word.
        let mut weighted = Request::new(prompt).with_guidance(1.0);
        weighted.subjects.clone_from(&words);
        assert_eq!(engine.embeddings(&weighted).expect("an embedding"), [found], "{prompt}");
    }
    let rows = |prompt: &str| engine.positions(prompt, "<cat-toy>", &words).expect("rows");
    assert_eq!(rows("a <CAT-TOY>, <cat-toy>"), [2, 3, 4, 6, 7, 8]);
    assert!(rows("a cat toy").is_empty());
    assert_like(words.clone(), &parameters["drawn"], 1, &mut engine);
}

#[test]
fn a_word_that_is_off_or_absent_changes_no_bit() {
    let parameters = parameters();
    let words = words(&parameters);
    let mut engine = base::shared();
    let prompt = parameters["prompts"][0].as_str().expect("a prompt");
    let plain = engine.key_values(prompt, &[]).expect("K and V").layers;
    let off: Vec<Subject> = words.iter().cloned().map(|word| word.with_strength(0.0)).collect();
    assert!(engine.key_values(prompt, &off).expect("K and V").layers == plain);
    assert!(engine.key_values(prompt, &words).expect("K and V").layers != plain);
    let absent = "a dog on grass";
    let plain = engine.key_values(absent, &[]).expect("K and V").layers;
    assert!(engine.key_values(absent, &words).expect("K and V").layers == plain);
}

#[test]
fn loras_of_keys_and_values_are_diffusers_in_both_namings() {
    let parameters = parameters();
    let (peft, kohya) = (lora("peft"), lora("kohya"));
    let scale = parameters["scale"].as_f64().expect("a scale") as f32;
    let prompt = parameters["plain"]["prompt"].as_str().expect("a prompt");
    let mut engine = base::shared();
    let layers: Vec<String> = engine.bundle().manifest().layers.iter().map(|layer| layer.name.clone()).collect();
    let base_values = engine.key_values(prompt, &[]).expect("K and V").layers;
    for (subject, column) in [(peft.clone().with_strength(scale), 2), (kohya, 3)] {
        let found = engine.key_values(prompt, std::slice::from_ref(&subject)).expect("K and V").layers;
        for at in [0, layers.len() - 1] {
            assert!(found[at] != base_values[at]);
            assert_near(&found[at], &expected(&format!("{}.{}", subject.name, layers[at])), EXACT, &layers[at]);
        }
        assert_like(vec![subject], &parameters["plain"], column, &mut engine);
        // Undone to the bit: the same products, and diffusers' picture of the base model.
        assert!(engine.key_values(prompt, &[]).expect("K and V").layers == base_values);
    }
    let off = peft.clone().with_strength(0.0);
    assert!(engine.key_values(prompt, &[off]).expect("K and V").layers == base_values);
    assert_like(vec![], &parameters["plain"], 0, &mut engine);
    // Kohya's alpha is half the rank.
    let half = engine.key_values(prompt, &[peft.with_strength(0.5)]).expect("K and V").layers;
    let whole = engine.key_values(prompt, &[lora("kohya")]).expect("K and V").layers;
    assert_near(&half[0], &whole[0], EXACT, "half of the one and the whole of the other");
}

#[test]
fn a_lora_has_no_trigger_of_its_own() {
    let mut engine = base::shared();
    let on_trigger = lora("peft").on_trigger("<v1>");
    let request = Request::new("a <v1> dog").with_steps(1).with_subject(on_trigger);
    let error = engine.generate(&request, &mut (), &cones_core::CancelToken::new()).expect_err("refused").to_string();
    assert!(error.contains("scope") && error.contains("all words"), "{error}");
}

/// A safetensors file of float32 tensors, all of this value.
fn tensors(list: &[(&str, &[usize])], value: f32) -> tempfile::TempPath {
    let data: Vec<Vec<u8>> = list.iter().map(|(_, shape)| value.to_le_bytes().repeat(shape.iter().product())).collect();
    let views = list
        .iter()
        .zip(&data)
        .map(|((name, shape), bytes)| (*name, TensorView::new(Dtype::F32, shape.to_vec(), bytes).expect("a tensor")));
    let file = tempfile::Builder::new().suffix(".safetensors").tempfile().expect("a file");
    std::fs::write(file.path(), safetensors::serialize(views, None).expect("can be written")).expect("can be written");
    file.into_temp_path()
}

fn told(error: &Error) -> String {
    format!("{error}\nhint: {}", error.hint().unwrap_or_default())
}

#[test]
fn embeddings_that_do_not_fit_are_refused_by_name() {
    let bundle = base::bundle();
    let width = base::text_width() as usize;
    let refused = |list: &[(&str, &[usize])], value: f32| {
        let file = tensors(list, value);
        let found = Embedding::open(&file).and_then(|embedding| embedding.in_place_of("<cat-toy>", &bundle));
        told(&found.expect_err("refused"))
    };
    let says =
        |text: String, parts: &[&str]| parts.iter().for_each(|part| assert!(text.contains(part), "{part}: {text}"));
    says(
        refused(&[("<x>", &[768])], 0.5),
        &["768 numbers", &width.to_string(), "another family of models", "Stable Diffusion 1"],
    );
    says(refused(&[("clip_l", &[1, 768]), ("clip_g", &[1, 1280])], 0.5), &["`clip_", "XL"]);
    says(refused(&[("<x>", &[width]), ("<y>", &[width])], 0.5), &["it holds 2: `<x>`, `<y>`"]);
    says(refused(&[("<x>", &[31, width])], 0.5), &["31 vectors", "room for 30"]);
    says(refused(&[("<x>", &[2, 3, width])], 0.5), &[&format!("[2, 3, {width}]")]);
    says(refused(&[("<x>", &[width])], f32::NAN), &["not finite"]);
    says(refused(&[("<x>", &[width])], 1e6), &["float16", "65504"]);
    says(refused(&[("a.lora_down.weight", &[4, 4])], 0.5), &["is a LoRA", "cones import-lora"]);
    let pickle = tempfile::Builder::new().suffix(".pt").tempfile().expect("a file");
    std::fs::write(pickle.path(), b"PK\x03\x04\0\0data.pkl string_to_param").expect("can be written");
    says(told(&Embedding::open(pickle.path()).expect_err("refused")), &["pickled", "weights_only=True", "save_file"]);
}

const LAYER: &str = "mid_block.attentions.0.transformer_blocks.0.attn2.to_k";

#[test]
fn loras_that_are_no_packs_are_refused_with_what_they_touch() {
    let layers = base::bundle().manifest().layers.clone();
    let layer = layers.iter().find(|layer| layer.name == LAYER).expect("Toybox has it");
    let (rows, columns) = (layer.rows as usize, layer.columns as usize);
    let of = |list: &[(String, Vec<usize>)], value: f32| -> Result<LowRank, Error> {
        let list: Vec<(&str, &[usize])> = list.iter().map(|(name, shape)| (name.as_str(), shape.as_slice())).collect();
        Lora::open(&tensors(&list, value))?.low_rank(&layers, 1.0)
    };
    let pair = |module: &str, down: Vec<usize>, up: Vec<usize>| {
        vec![(format!("{module}.lora_A.weight"), down), (format!("{module}.lora_B.weight"), up)]
    };
    let own = || pair(&format!("unet.{LAYER}"), vec![2, columns], vec![rows, 2]);
    assert_eq!(of(&own(), 0.5).expect("fits").changed(), 1);
    let refused = |list: Vec<(String, Vec<usize>)>| told(&of(&list, 0.5).expect_err("refused"));
    let says =
        |text: String, parts: &[&str]| parts.iter().for_each(|part| assert!(text.contains(part), "{part}: {text}"));
    let query = LAYER.replace("to_k", "to_q");
    let more = [
        own(),
        pair(&format!("unet.{query}"), vec![2, 8], vec![8, 2]),
        pair("text_encoder.text_model.encoder.layers.0.self_attn.q_proj", vec![2, 8], vec![8, 2]),
    ];
    says(
        refused(more.concat()),
        &["2 of its 3 modules", "attn2.to_q (1)", "text encoder: self_attn.q_proj (1)", "--merge FILE"],
    );
    says(refused(pair(&format!("unet.{LAYER}"), vec![2, columns + 1], vec![rows, 2])), &[LAYER, "another model"]);
    says(refused(pair(&format!("unet.{LAYER}"), vec![2, columns], vec![rows, 3])), &[LAYER, "no product"]);
    says(refused(own()[..1].to_vec()), &["one of the two matrices is missing"]);
    says(refused([own(), vec![("unet.x".into(), vec![3])]].concat()), &["`unet.x`"]);
    for (tensor, what) in
        [("lora_unet_x.hada_w1_a", "LoHa"), ("lora_unet_x.lokr_w1", "LoKr"), ("lora_unet_x.dora_scale", "DoRA")]
    {
        says(refused([own(), vec![(tensor.into(), vec![3])]].concat()), &[what]);
    }
    let twice = [own(), pair(LAYER, vec![2, columns], vec![rows, 2])].concat();
    says(refused(twice), &["the same matrix"]);
    let not_finite = of(&own(), f32::INFINITY).expect_err("refused").to_string();
    assert!(not_finite.contains("finite"), "{not_finite}");
    // More than the layer's shorter side: the product itself, exactly.
    let long = of(&pair(&format!("unet.{LAYER}"), vec![300, columns], vec![rows, 300]), 0.5).expect("fits");
    assert_eq!(long.ranks().0, rows.min(columns));
    let change = long.changes().flatten().next().expect("a change");
    let row: f32 = (0..change.rank).map(|k| change.up[k].to_f32() * change.down[k * columns].to_f32()).sum();
    assert!((row * change.scale - 300.0 * 0.25).abs() < 0.01, "{row}");
}

/// Bytes changed here and there, most of them in the header: refused, or read as what still fits.
#[test]
fn damaged_files_never_panic() {
    let bundle = base::bundle();
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("x.safetensors");
    let mut state = 1u64;
    let mut below = |end: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % end.max(1)
    };
    let (mut read, mut refused) = (0, 0);
    for file in ["peft", "kohya", "learned_embeds", "emb_params"] {
        let whole = golden::read(&format!("adapters/{file}.safetensors"));
        for _ in 0..400 {
            let mut bytes = whole.clone();
            for _ in 0..=below(3) {
                let at = if below(4) == 0 { below(bytes.len()) } else { below(4000.min(bytes.len())) };
                match below(3) {
                    0 => bytes[at] ^= 1 << below(8),
                    1 => bytes[at] = b"0123456789[]{}\",:."[below(18)],
                    _ => bytes.truncate(bytes.len() - below(9)),
                }
            }
            std::fs::write(&path, bytes).expect("can be written");
            let lora = Lora::open(&path).and_then(|lora| lora.low_rank(&bundle.manifest().layers, 1.0)).is_ok();
            let word = Embedding::open(&path).and_then(|word| word.in_place_of("<cat-toy>", &bundle)).is_ok();
            if lora || word { read += 1 } else { refused += 1 }
        }
    }
    println!("{read} read, {refused} refused");
    assert!(read > 50 && refused > 500);
}
