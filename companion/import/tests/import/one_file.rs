//! Weights in one file, in the names of diffusers and in those of Stable Diffusion's first publication.

use std::fs;
use std::path::{Path, PathBuf};

use safetensors::SafeTensors;
use safetensors::tensor::{Dtype, TensorView};
use serde_json::Value;

use crate::fixture::{arguments, contents, diffusers, export, run, temporary, told};

const UNET: &str = "unet/diffusion_pytorch_model.safetensors";

/// What a tensor is called in place of diffusers' name.
type Renaming<'a> = &'a dyn Fn(&str) -> String;

/// diffusers' names of the fixture's layers and those that diffusers converts them from.
fn ldm_names() -> Vec<(String, String)> {
    let cases: Vec<Value> = cones_tests::golden::json("configs/ldm_names.json");
    let is_fixture = |case: &&Value| {
        case["config"]["down_block_types"] == serde_json::json!(["CrossAttnDownBlock2D", "DownBlock2D"])
    };
    let case = cases.iter().find(is_fixture).expect("the fixture's layout");
    let names = case["names"].as_object().expect("names").iter();
    names.map(|(ldm, own)| (own.as_str().expect("a name").to_owned(), ldm.clone())).collect()
}

/// The fixture's weights with each tensor called as `rename` says, and `more` besides.
fn one_file(folder: &Path, rename: impl Fn(&str) -> String, more: &[(&str, Vec<usize>)]) -> PathBuf {
    let bytes = fs::read(diffusers().path().join(UNET)).expect("weights");
    let tensors = SafeTensors::deserialize(&bytes).expect("weights");
    let zeros = vec![0; 4096];
    let mut all: Vec<(String, TensorView<'_>)> =
        tensors.tensors().into_iter().map(|(name, tensor)| (rename(&name), tensor)).collect();
    for (name, shape) in more {
        let data = &zeros[..4 * shape.iter().product::<usize>()];
        all.push(((*name).to_owned(), TensorView::new(Dtype::F32, shape.clone(), data).expect("a tensor")));
    }
    let file = folder.join("model.safetensors");
    fs::write(&file, safetensors::serialize(all, None).expect("a file")).expect("a file");
    file
}

fn as_ldm(name: &str) -> String {
    let names = ldm_names();
    let ldm = names.iter().find(|(own, _)| own == name).map_or_else(|| format!("other.{name}"), |(_, ldm)| ldm.clone());
    format!("model.diffusion_model.{ldm}")
}

/// The error of importing with these weights and configurations.
fn error_of(weights: &Path, config: Option<&Path>) -> String {
    let (export, out) = (export("plain"), temporary());
    let mut args = arguments(export.path(), &out.path().join("bundle"));
    args.weights = weights.to_path_buf();
    args.config = config.map(Path::to_path_buf);
    told(&run(&args).expect_err("weights that do not fit"))
}

#[test]
fn one_file_gives_the_same_bundle_as_the_folder() {
    let (export, out, folder) = (export("plain"), temporary(), temporary());
    let mut args = arguments(export.path(), &out.path().join("folder"));
    args.name = Some("same".into());
    run(&args).expect("an import");
    let expected = contents(&args.out);
    args.config = Some(args.weights.clone());
    let prefixed = |name: &str| format!("unet.{name}");
    let renamings: [(&str, Renaming<'_>); 4] = [
        ("ldm", &as_ldm),
        ("alone", &|name: &str| as_ldm(name).trim_start_matches("model.diffusion_model.").to_owned()),
        ("diffusers", &str::to_owned),
        ("part", &prefixed),
    ];
    for (name, rename) in renamings {
        args.weights = one_file(folder.path(), rename, &[]);
        args.out = out.path().join(name);
        run(&args).unwrap_or_else(|error| panic!("{name}: {}", told(&error)));
        assert!(contents(&args.out) == expected, "{name} differs");
    }
}

#[test]
fn configurations_may_lie_beside_the_graphs() {
    let (export, out, folder) = (export("plain"), temporary(), temporary());
    let mut args = arguments(export.path(), &out.path().join("bundle"));
    args.weights = one_file(folder.path(), as_ldm, &[]);
    let error = told(&run(&args).expect_err("no configurations"));
    assert!(error.contains("model.safetensors") && error.contains("--config"), "{error}");
    for part in ["unet", "vae", "text_encoder", "scheduler", "tokenizer"] {
        fs::create_dir(export.path().join(part)).expect("a folder");
        for entry in fs::read_dir(diffusers().path().join(part)).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.extension().is_some_and(|e| e == "json") {
                fs::copy(&path, export.path().join(part).join(path.file_name().expect("a name"))).expect("a copy");
            }
        }
    }
    run(&args).expect("an import");
}

#[test]
fn a_file_of_another_layout_is_named() {
    let (folder, config) = (temporary(), diffusers());
    let file = one_file(folder.path(), as_ldm, &[("model.diffusion_model.input_blocks.0.0.weight", vec![4, 9, 3, 3])]);
    let error = error_of(&file, Some(config.path()));
    assert!(error.contains("takes 9 channels") && error.contains("model.safetensors"), "{error}");

    let path = config.path().join("unet/config.json");
    let mut unet: Value = serde_json::from_slice(&fs::read(&path).expect("a file")).expect("JSON");
    unet["layers_per_block"] = 2.into();
    fs::write(&path, unet.to_string()).expect("a file");
    let error = error_of(&one_file(folder.path(), as_ldm, &[]), Some(config.path()));
    assert!(error.contains("does not") && error.contains("attentions."), "{error}");
}

#[test]
fn what_is_no_model_is_named_as_what_it_is() {
    let (folder, config) = (temporary(), diffusers());
    let write = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        fs::write(&path, bytes).expect("a file");
        path
    };
    let pickle = b"PK\x03\x04\0\0archive/data.pkl\x80\x02model.diffusion_model.input_blocks.1.1";
    let lora = |name: &str| format!("lora_unet_{}.lora_down.weight", name.replace('.', "_"));
    let cases = [
        (write("sd.ckpt", pickle), ["pickled by PyTorch", "save_pretrained"]),
        (write("empty.safetensors", b""), ["is empty", "download it again"]),
        (one_file(folder.path(), lora, &[]), ["is a LoRA", "import-lora"]),
    ];
    for (weights, parts) in cases {
        for config in [None, Some(config.path())] {
            let error = error_of(&weights, config);
            assert!(parts.iter().all(|part| error.contains(part)), "{error}");
        }
    }
    let word = one_file(folder.path(), |name| format!("other.{name}"), &[]);
    let error = error_of(&word, Some(config.path()));
    assert!(error.contains("model.safetensors"), "{error}");
}

#[test]
fn folders_of_other_kinds_are_named_as_what_they_are() {
    let config = diffusers();
    let unet = config.path().join("unet");
    let error = error_of(&unet, None);
    assert!(error.contains("one part of a diffusers folder") && error.contains("the folder above it"), "{error}");

    let flux = temporary();
    fs::write(flux.path().join("model_index.json"), "{}").expect("a file");
    let error = error_of(flux.path(), None);
    assert!(error.contains("of another kind of model") && error.contains("DreamLite and Sana"), "{error}");

    // Only pickled weights in the folder that is meant.
    fs::remove_file(config.path().join(UNET)).expect("a removed file");
    fs::write(unet.join("diffusion_pytorch_model.bin"), b"PK\x03\x04data.pkl attn2.to_k").expect("a file");
    let error = error_of(config.path(), None);
    assert!(error.contains("diffusion_pytorch_model.bin") && error.contains("pickled"), "{error}");
}

#[test]
fn a_file_where_a_folder_of_graphs_is_wanted_is_named() {
    let export = export("plain");
    let mut args = arguments(&export.path().join("unet.onnx"), &export.path().join("bundle"));
    let error = told(&run(&args).expect_err("a graph"));
    assert!(error.contains("is an ONNX graph") && error.contains("--onnx DIR"), "{error}");
    args = arguments(export.path(), &export.path().join("bundle"));
    args.plain = Some(export.path().join("unet.onnx"));
    let error = told(&run(&args).expect_err("a graph"));
    assert!(error.contains("is an ONNX graph") && error.contains("--plain"), "{error}");
}
