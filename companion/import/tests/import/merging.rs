//! LoRAs merged at import, against diffusers' `fuse_lora`. Vectors: `tests/golden/make_adapters.py`.

use std::fs;
use std::path::Path;

use cones_core::model::manifest::Defaults;
use cones_core::sampling::scheduler::Scheduler;
use cones_core::{Picture, Request};
use cones_import::lora::{Lora, Part};
use cones_import::{Merged, Stage, Storage, import};
use cones_tests::golden;
use cones_tests::psnr::psnr;
use ort::session::Session;
use ort::value::Tensor;
use safetensors::SafeTensors;
use safetensors::tensor::{Dtype, TensorView};
use tempfile::TempDir;

use crate::fixture::{DIALECTS, arguments, diffusers, edit_graph, export, imported, manifest, run, temporary, told};
use crate::run::{distance, draw, tensor, unet};

/// What was exact in float16 is rounded to it again.
const TOLERANCE: f32 = 4e-3;

/// The diffusers folder with all of its weights.
fn whole() -> TempDir {
    let folder = diffusers();
    let copy = |from: &str, to: &str| {
        fs::copy(golden::path(&format!("adapters/{from}.safetensors")), folder.path().join(to)).expect("a copy");
    };
    copy("tiny-unet", "unet/diffusion_pytorch_model.safetensors");
    copy("tiny-text", "text_encoder/model.safetensors");
    folder
}

fn scale() -> f32 {
    let parameters: serde_json::Value = golden::json("adapters/adapters.json");
    parameters["tiny_scale"].as_f64().expect("a scale") as f32
}

fn lora() -> std::path::PathBuf {
    golden::path("adapters/tiny-lora.safetensors")
}

fn merged(onnx: &Path, merge: Vec<Merged>, storage: Storage) -> Result<TempDir, cones_import::Error> {
    let (weights, out) = (whole(), temporary());
    let mut options = arguments(onnx, &out.path().join("bundle"));
    options.weights = weights.path().to_path_buf();
    (options.merge, options.storage) = (merge, storage);
    run(&options).map(|()| out)
}

fn expected(name: &str) -> Vec<f32> {
    tensor(&golden::path("adapters/tiny-expected.safetensors"), name).data
}

/// The text encoder's hidden state for the script's tokens.
fn encoded(bundle: &Path) -> Vec<f32> {
    let environment = cones_core::runtime::raw::environment().expect("ONNX Runtime (`cargo xtask setup`)");
    let mut builder = Session::builder(&environment).expect("a session builder");
    let mut session = builder.commit_from_file(bundle.join("text_encoder.onnx")).expect("a graph that loads");
    let ids: Vec<i64> = (0..8).map(|token| token % 6).collect();
    let ids = Tensor::from_array((vec![1, 8], ids)).expect("a tensor");
    let offsets = Tensor::from_array((vec![1, 8, 12], vec![0.0f32; 96])).expect("a tensor");
    let inputs = ort::inputs!["input_ids" => ids, "embedding_offsets" => offsets];
    let outputs = session.run(inputs).expect("a run");
    outputs[0].try_extract_tensor::<f32>().expect("floats").1.to_vec()
}

#[test]
fn every_dialect_draws_as_diffusers_with_the_lora_fused() {
    for dialect in DIALECTS {
        let export = export(dialect);
        let storage = if dialect == "plain" { Storage::Float32 } else { Storage::Float16 };
        let out = merged(export.path(), vec![Merged { lora: lora(), scale: scale() }], storage).expect(dialect);
        let bundle = out.path().join("bundle");
        let far = |file: &Path| distance(&unet(file, "unet.onnx"), &expected("out_sample"));
        let text = |file: &Path| distance(&encoded(file), &expected("last_hidden_state"));
        println!(
            "{dialect}: U-Net {:.1e} ({:.1e} without), text {:.1e} ({:.1e} without)",
            far(&bundle),
            far(&imported(dialect)),
            text(&bundle),
            text(&imported(dialect))
        );
        assert!(far(&bundle) < TOLERANCE && far(&imported(dialect)) > 20.0 * TOLERANCE, "{dialect}");
        assert!(text(&bundle) < TOLERANCE && text(&imported(dialect)) > 20.0 * TOLERANCE, "{dialect}");
        // It is another base model, and as small as the one it was made of.
        assert_ne!(manifest(&bundle).fingerprint, manifest(&imported(dialect)).fingerprint, "{dialect}");
        let size = |file: &Path, name: &str| fs::metadata(file.join(name)).expect("a file").len();
        assert_eq!(size(&bundle, "attention.safetensors"), size(&imported(dialect), "attention.safetensors"));
        assert!(
            fs::read_dir(&bundle)
                .expect("a folder")
                .all(|file| { !file.expect("an entry").file_name().to_string_lossy().starts_with('.') })
        );
    }
}

/// What LCM-LoRA is for: 4 steps without guidance. Vector: `tests/golden/make_few_steps.py`.
#[test]
fn a_merged_lora_is_drawn_by_lcm_as_diffusers_with_it_fused() {
    let (weights, export, out) = (whole(), export("fused"), temporary());
    let mut options = arguments(export.path(), &out.path().join("bundle"));
    options.weights = weights.path().to_path_buf();
    options.merge = vec![Merged { lora: lora(), scale: scale() }];
    options.scheduler = Some(Scheduler::Lcm);
    run(&options).expect("an import");
    assert_eq!(manifest(&options.out).defaults, Defaults::new(4, 1.0, Scheduler::Lcm));
    let picture = |bundle: &Path, asked: Request| {
        let drawn = draw(bundle, |_| asked).expect("a picture");
        drawn.pictures.into_iter().next().expect("one").picture
    };
    let asked = Request::new("a").with_seed(7);
    let drawn = picture(&options.out, asked.clone());
    let expected = Picture::open(&golden::path("few_steps/merged.png")).expect("a picture");
    let asked = asked.with_steps(4).with_guidance(1.0).with_scheduler(Scheduler::Lcm);
    let plain = picture(&imported("fused"), asked);
    println!("merged: {:.2} dB, {:.2} dB without", psnr(&drawn, &expected), psnr(&plain, &expected));
    assert!(psnr(&drawn, &expected) >= 45.0 && psnr(&plain, &expected) < 35.0);
}

#[test]
fn several_are_merged_and_their_scales_add_up() {
    let export = export("torchscript");
    let halves = vec![Merged { lora: lora(), scale: 0.5 * scale() }; 2];
    let once = merged(export.path(), vec![Merged { lora: lora(), scale: scale() }], Storage::Float32).expect("once");
    let twice = merged(export.path(), halves, Storage::Float32).expect("in halves");
    let of = |out: &TempDir| unet(&out.path().join("bundle"), "unet.onnx");
    assert!(distance(&of(&once), &of(&twice)) < TOLERANCE);
    let none = merged(export.path(), vec![Merged { lora: lora(), scale: 0.0 }], Storage::Float32).expect("at 0");
    assert!(distance(&of(&none), &unet(&imported("torchscript"), "unet.onnx")) == 0.0, "nothing is the base model");
}

#[test]
fn the_number_of_modules_is_told_and_nothing_is_compared() {
    let (weights, export, out) = (whole(), export("fused"), temporary());
    let mut options = arguments(export.path(), &out.path().join("bundle"));
    options.weights = weights.path().to_path_buf();
    options.merge = vec![Merged { lora: lora(), scale: 1.0 }];
    let mut lines = Vec::new();
    import(&options, &mut |stage: Stage<'_>| lines.push(stage.to_string()), &cones_core::CancelToken::new())
        .expect("an import");
    let file = fs::read(lora()).expect("the LoRA");
    let modules = SafeTensors::deserialize(&file).expect("tensors").names().len() / 3;
    assert!(lines.iter().any(|line| line.contains(&format!("weights of {modules} modules"))), "{lines:?}");
}

/// A LoRA of one module.
fn of_module(name: &str, [rows, columns]: [usize; 2]) -> tempfile::TempPath {
    let data = vec![0u8; 4 * rows.max(columns)];
    let view =
        |shape: Vec<usize>, bytes: usize| TensorView::new(Dtype::F32, shape, &data[..4 * bytes]).expect("a tensor");
    let tensors = [
        (format!("{name}.lora_down.weight"), view(vec![1, columns], columns)),
        (format!("{name}.lora_up.weight"), view(vec![rows, 1], rows)),
    ];
    let file = tempfile::Builder::new().suffix(".safetensors").tempfile().expect("a file");
    fs::write(file.path(), safetensors::serialize(tensors, None).expect("can be written")).expect("can be written");
    file.into_temp_path()
}

#[test]
fn what_does_not_fit_is_refused_by_name() {
    let export = export("torchscript");
    let refused = |lora: &Path, onnx: &Path| {
        let found = merged(onnx, vec![Merged { lora: lora.to_path_buf(), scale: 1.0 }], Storage::Float32);
        told(&found.expect_err("refused"))
    };
    let foreign = of_module("lora_unet_down_blocks_7_resnets_0_time_emb_proj", [4, 16]);
    let error = refused(&foreign, export.path());
    assert!(error.contains("1 of its 1 modules are not in") && error.contains("time_emb_proj (1)"), "{error}");
    let xl = of_module("lora_te2_text_model_encoder_layers_0_mlp_fc1", [4, 16]);
    let error = refused(&xl, export.path());
    assert!(error.contains("second text encoder: mlp_fc1 (1)"), "{error}");
    let misshapen = of_module("lora_unet_mid_block_attentions_0_transformer_blocks_0_attn1_to_q", [3, 8]);
    let error = refused(&misshapen, export.path());
    assert!(error.contains("attn1_to_q") && error.contains("another model"), "{error}");

    // A graph with other weights than the folder's: the module that is not found is named.
    let query = of_module("lora_unet_mid_block_attentions_0_transformer_blocks_0_attn1_to_q", [8, 8]);
    edit_graph(&export.path().join("unet.onnx"), |graph| {
        for tensor in graph.initializer.iter_mut().filter(|tensor| tensor.dims == [8, 8]) {
            let bytes = tensor.raw_data.clone().expect("inside").to_vec();
            let twice = |b: &[u8; 4]| (2.0 * f32::from_le_bytes(*b)).to_le_bytes();
            tensor.raw_data = Some(bytes.as_chunks::<4>().0.iter().flat_map(twice).collect::<Vec<u8>>().into());
        }
    });
    let error = refused(&query, export.path());
    assert!(error.contains("`mid_block.attentions.0.transformer_blocks.0.attn1.to_q` is changed by a LoRA"), "{error}");

    let (weights, out) = (whole(), temporary());
    let mut options = arguments(export.path(), &out.path().join("bundle"));
    options.weights = weights.path().join("unet/diffusion_pytorch_model.safetensors");
    options.config = Some(weights.path().to_path_buf());
    options.merge = vec![Merged { lora: lora(), scale: 1.0 }];
    let error = told(&run(&options).expect_err("refused"));
    assert!(error.contains("one file") && error.contains("save_pretrained"), "{error}");
    assert!(!out.path().join("bundle").exists());
}

/// Packs are bound to keys and values: those found on Toybox fit Toybox in four steps.
#[test]
fn toybox_in_four_steps_leaves_keys_and_values_alone() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../models/toybox/few-steps/toybox-4-steps.safetensors");
    let lora = Lora::open(&file).expect("a LoRA");
    let names: Vec<&str> = lora.adapters.iter().map(|adapter| adapter.module.name.as_str()).collect();
    assert!(names.contains(&"conv_in") && names.len() > 100, "{}", names.len());
    let layers = cones_tests::base::bundle().manifest().layers.clone();
    for layer in &layers {
        assert!(!lora.adapters.iter().any(|adapter| adapter.module.names(Part::Unet, &layer.name)), "{}", layer.name);
    }
}
