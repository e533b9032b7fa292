//! Models of other kinds are refused by what they are; schedulers decide what a request that is silent gets.

use std::fs;

use cones_core::model::manifest::Defaults;
use cones_core::sampling::scheduler::Scheduler;
use serde_json::{Value, json};

use crate::fixture::{arguments, diffusers, export, manifest, run, temporary, told};

/// A copy of the diffusers folder with these keys of one configuration set.
fn with(file: &str, keys: &Value) -> tempfile::TempDir {
    let folder = diffusers();
    let path = folder.path().join(file);
    let mut json: Value = serde_json::from_slice(&fs::read(&path).expect("a file")).expect("JSON");
    for (key, value) in keys.as_object().expect("keys") {
        json[key] = value.clone();
    }
    fs::write(&path, json.to_string()).expect("a file");
    folder
}

fn error_of(file: &str, keys: &Value) -> String {
    let (weights, export, out) = (with(file, keys), export("plain"), temporary());
    let mut args = arguments(export.path(), &out.path().join("bundle"));
    args.weights = weights.path().to_path_buf();
    told(&run(&args).expect_err("a model of another kind"))
}

#[test]
fn models_that_take_more_are_named_as_what_they_are() {
    let unet = "unet/config.json";
    let cases = [
        (unet, json!({"addition_embed_type": "text_time"}), ["`addition_embed_type`", "Stable Diffusion XL"]),
        (unet, json!({"in_channels": 8}), ["`in_channels` is 8", "InstructPix2Pix"]),
        (unet, json!({"in_channels": 5}), ["`in_channels` is 5", "depth"]),
        (unet, json!({"time_cond_proj_dim": 2}), ["`time_cond_proj_dim`", "at least 4"]),
    ];
    for (file, keys, parts) in cases {
        let error = error_of(file, &keys);
        assert!(error.contains(file) && parts.iter().all(|part| error.contains(part)), "{error}");
    }
    let error = error_of(unet, &json!({"time_cond_proj_dim": 256}));
    assert!(error.contains("unet.onnx") && error.contains("`timestep_cond`"), "an export without it: {error}");
}

#[test]
fn classes_that_are_not_known_are_named_with_those_that_are() {
    let cases = [
        ("unet/config.json", "_class_name", json!("UNetMotionModel"), "UNet2DConditionModel"),
        (
            "vae/config.json",
            "_class_name",
            json!("AutoencoderKLQwenImage"),
            "AutoencoderKL, AutoencoderTiny, AutoencoderDC",
        ),
        (
            "scheduler/scheduler_config.json",
            "_class_name",
            json!("FlowMatchHeunDiscreteScheduler"),
            "EulerDiscreteScheduler",
        ),
        ("scheduler/scheduler_config.json", "_class_name", json!("EDMEulerScheduler"), "EulerDiscreteScheduler"),
        ("text_encoder/config.json", "architectures", json!(["T5EncoderModel"]), "CLIPTextModel"),
    ];
    for (file, key, class, known) in cases {
        let error = error_of(file, &json!({ key: class }));
        let name = class.as_str().or(class[0].as_str()).expect("a name");
        assert!([file, key, name, known].iter().all(|part| error.contains(part)), "{error}");
    }
}

#[test]
fn switches_that_are_off_in_every_block_are_off() {
    let (weights, export, out) =
        (with("unet/config.json", &json!({"only_cross_attention": [false, false]})), export("plain"), temporary());
    let mut args = arguments(export.path(), &out.path().join("bundle"));
    args.weights = weights.path().to_path_buf();
    run(&args).expect("an import");
}

#[test]
fn a_request_that_is_silent_gets_what_the_models_scheduler_suggests() {
    let lcm = with("scheduler/scheduler_config.json", &json!({"_class_name": "LCMScheduler"}));
    let (export, out) = (export("plain"), temporary());
    let mut args = arguments(export.path(), &out.path().join("ddim"));
    let defaults = |args: &cones_import::ImportOptions| {
        run(args).expect("an import");
        manifest(&args.out).defaults
    };
    assert_eq!(defaults(&args), Defaults::new(20, 7.5, Scheduler::Ddim));
    args.weights = lcm.path().to_path_buf();
    args.out = out.path().join("lcm");
    assert_eq!(defaults(&args), Defaults::new(4, 1.0, Scheduler::Lcm));
    // What is asked for wins, and the rest suits it.
    args.out = out.path().join("asked");
    args.scheduler = Some(Scheduler::Euler);
    args.steps = Some(8);
    assert_eq!(defaults(&args), Defaults::new(8, 7.5, Scheduler::Euler));
}

#[test]
fn a_folder_with_vocabulary_and_merges_alone_is_enough() {
    let (weights, export, out) = (diffusers(), export("plain"), temporary());
    let folder = weights.path().join("tokenizer");
    let whole: Value = serde_json::from_slice(&fs::read(folder.join("tokenizer.json")).expect("a file")).expect("JSON");
    fs::write(folder.join("vocab.json"), whole["model"]["vocab"].to_string()).expect("a file");
    fs::write(folder.join("merges.txt"), "#version: 0.2\n").expect("a file");
    for file in ["tokenizer.json", "tokenizer_config.json"] {
        fs::remove_file(folder.join(file)).expect("a removed file");
    }
    fs::write(folder.join("special_tokens_map.json"), r#"{"pad_token": "a</w>"}"#).expect("a file");
    let mut args = arguments(export.path(), &out.path().join("bundle"));
    args.weights = weights.path().to_path_buf();
    run(&args).expect("an import");
    let text = manifest(&args.out).text;
    assert_eq!((text.bos_token_id, text.eos_token_id, text.pad_token_id, text.max_length), (0, 1, 2, 8));
}
