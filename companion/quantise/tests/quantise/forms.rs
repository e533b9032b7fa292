//! What small forms of the base model draw, and that packs work on them as on the exact one.

use std::sync::Arc;

use cones_core::model::form::{Activations, Weights};
use cones_core::{Bundle, ConceptMask, Engine, MemoryMode, Request, Subject};
use cones_tests::base;
use cones_tests::psnr::psnr;

use crate::setup::{engine, form};

/// Of each form, what its pictures of four steps must be like at least, in dB, and its largest share of the exact bytes of
/// the U-Net's weights.
const FORMS: [(&str, f64, f64); 3] = [("int8", 38.0, 0.55), ("int4", 26.0, 0.5), ("int8-static", 30.0, 0.6)];

fn request(prompt: &str) -> Request {
    let mut request = Request::new(prompt);
    request.steps = Some(4);
    request.seed = 11;
    request
}

/// A subject of 5 % of the weights.
fn subject(bundle: &Bundle) -> Subject {
    Subject::new("random", Arc::new(ConceptMask::random(&bundle.manifest().layers, 0.05, 1)))
}

fn unet_bytes(bundle: &Bundle) -> f64 {
    bundle.manifest().files["unet.weights"].bytes as f64
}

#[test]
fn every_form_draws_almost_the_exact_picture_in_fewer_bytes() {
    let prompts = ["a dog and an apple on grass", "a robot in the desert"];
    let exact: Vec<_> = prompts.map(|prompt| base::draw(&mut base::shared(), &request(prompt))).into();
    let other = psnr(&exact[0], &exact[1]);
    for (name, least, share) in FORMS {
        let mut engine = engine(&form(name));
        for (prompt, exact) in prompts.iter().zip(&exact) {
            let likeness = psnr(&base::draw(&mut engine, &request(prompt)), exact);
            println!("{name:12} {likeness:5.1} dB (another prompt {other:.1} dB)  {prompt}");
            assert!(likeness >= least && likeness > other + 5.0, "{name}: {likeness:.1} dB");
            assert!(likeness < 90.0, "{name} changes nothing");
        }
        let small = engine.bundle();
        assert!(unet_bytes(small) <= share * unet_bytes(&base::bundle()), "{name}: {}", unet_bytes(small));
        small.verify().expect("hashes and fingerprint");
    }
}

#[test]
fn weights_of_fewer_bits_are_computed_alike_however_they_are_loaded() {
    // Products of 4-bit weights are ONNX Runtime's own, which rounds the values that it multiplies.
    for (name, least) in [("int8", 60.0), ("int4", 45.0)] {
        let draw = |memory| {
            let bundle = Bundle::open(form(name)).expect("a bundle");
            let options = base::options().with_memory(memory);
            base::draw(&mut Engine::new(bundle, options).expect("an engine"), &request("a dog on grass"))
        };
        let (fast, mapped) = (draw(MemoryMode::Resident), draw(MemoryMode::Least));
        let found = psnr(&fast, &mapped);
        assert!(found >= least, "{name}: {found} dB");
    }
}

#[test]
fn a_form_says_what_it_is_and_has_the_same_fingerprint_and_layers() {
    let exact = base::bundle();
    for (name, _, _) in FORMS {
        let small = Bundle::open(form(name)).expect("a bundle");
        let (manifest, own) = (exact.manifest(), small.manifest());
        assert_eq!(
            (&own.fingerprint, &own.layers, &own.name),
            (&manifest.fingerprint, &manifest.layers, &manifest.name)
        );
        let form = own.form.as_ref().expect("a form");
        assert_eq!(form.name(), name);
        assert!(form.tool.starts_with("cones ") && !form.on_request);
        let expected = match name {
            "int8" => (Weights::Int8, Activations::Float),
            "int4" => (Weights::Int4, Activations::Float),
            _ => (Weights::Int8, Activations::Int8),
        };
        assert_eq!((form.weights, form.activations), expected);
        let attention =
            |bundle: &Bundle| std::fs::read(bundle.file("attention.safetensors").expect("listed")).expect("read");
        assert!(attention(&exact) == attention(&small), "K/V weights are the same bytes");
    }
    assert_eq!(exact.manifest().form, None);
}

#[test]
fn packs_work_on_every_form_and_undo_to_the_bit() {
    for (name, _, _) in FORMS {
        let mut engine = engine(&form(name));
        let plain = request("a cat at night");
        let before = base::draw(&mut engine, &plain);
        let mut with = plain.clone();
        with.subjects = vec![subject(engine.bundle())];
        let changed = base::draw(&mut engine, &with);
        assert!(psnr(&before, &changed) < 40.0, "{name}: the subject changes the picture");
        assert_eq!(base::draw(&mut engine, &plain), before, "{name}: undone");
        // The mask meets the same weights as in the exact model, so K and V are those of the form's own text encoder.
        let found = engine.key_values("a cat at night", &with.subjects).expect("K and V");
        let embedding = engine.embed("a cat at night").expect("an embedding");
        let expected = cones_tests::dense::key_values(engine.bundle(), 0, &embedding, &with.subjects);
        let (gap, largest) = cones_tests::dense::difference(&found.layers[0], &expected);
        assert!(gap <= 1e-4 * largest.max(1.0), "{name}: {gap:e}");
    }
}

#[test]
fn making_a_form_again_gives_the_same_bytes() {
    let again = crate::setup::made(&crate::setup::weights_only(Weights::Int4));
    let files = |folder: &std::path::Path| Bundle::open(folder).expect("a bundle").manifest().files.clone();
    assert_eq!(files(&again.path().join("bundle")), files(&form("int4")));
}

#[test]
fn float32_keys_and_values_become_float16_with_the_same_fingerprint() {
    use safetensors::tensor::TensorView;
    use safetensors::{Dtype, SafeTensors};
    let folder = tempfile::tempdir().expect("a temporary folder");
    for entry in std::fs::read_dir(base::folder()).expect("the base model") {
        let entry = entry.expect("an entry");
        std::fs::copy(entry.path(), folder.path().join(entry.file_name())).expect("a copy");
    }
    let path = folder.path().join("attention.safetensors");
    let bytes = std::fs::read(&path).expect("K/V weights");
    let halves = SafeTensors::deserialize(&bytes).expect("safetensors");
    let wide: Vec<(String, Vec<usize>, Vec<u8>)> = halves
        .iter()
        .map(|(name, tensor)| {
            let values = tensor.data().as_chunks::<2>().0.iter().map(|half| half::f16::from_le_bytes(*half).to_f32());
            // Not exact in float16, and rounded to the same value.
            let wide = values.flat_map(|value| (value * (1.0 + 1e-5)).to_le_bytes()).collect();
            (name.to_owned(), tensor.shape().to_vec(), wide)
        })
        .collect();
    let views = wide
        .iter()
        .map(|(name, shape, wide)| (name, TensorView::new(Dtype::F32, shape.clone(), wide).expect("a tensor")));
    std::fs::write(&path, safetensors::serialize(views, None).expect("a file")).expect("written");
    let mut manifest = base::bundle().manifest().clone();
    manifest.files.get_mut("attention.safetensors").expect("listed").bytes =
        std::fs::metadata(&path).expect("a file").len();
    std::fs::write(folder.path().join("bundle.json"), serde_json::to_vec(&manifest).expect("JSON")).expect("written");

    let out = folder.path().join("small");
    let options = crate::setup::weights_only(Weights::Int8);
    let bundle = Bundle::open(folder.path()).expect("a bundle");
    cones_quantise::quantise(&bundle, &out, &options, &mut |_, _, _| (), &cones_core::CancelToken::new())
        .expect("made");
    Bundle::open(&out).expect("a bundle").verify().expect("the fingerprint of the exact bundle");
    let made = std::fs::read(out.join("attention.safetensors")).expect("K/V weights");
    let made = SafeTensors::deserialize(&made).expect("safetensors");
    assert!(made.iter().all(|(_, tensor)| tensor.dtype() == Dtype::F16));
}
