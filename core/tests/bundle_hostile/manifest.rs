//! Manifests that are damaged, foreign or of another time.

use cones_core::Bundle;
use cones_core::model::bundle::{ATTENTION, MANIFEST, TEXT_ENCODER, TOKENIZER, UNET, VAE_DECODER, VAE_ENCODER};
use cones_core::model::manifest::SCHEMA;
use cones_tests::base;
use cones_tests::hostile::Copy;
use serde_json::{Value, json};

use super::{blamed, draw, opened};

#[test]
fn a_manifest_that_is_none_is_named() {
    let copy = Copy::new();
    let whole = copy.read(MANIFEST);
    let deep = "[".repeat(1 << 20);
    let bad: [&[u8]; 10] = [
        b"",
        b"{}",
        b"null",
        b"[]",
        b"\"\"",
        b"{\"schema\": 1}",
        b"\xff\xfe",
        deep.as_bytes(),
        &whole[..whole.len() / 2],
        b"\0",
    ];
    for content in bad {
        copy.write(MANIFEST, content);
        blamed(Bundle::open(copy.path()), MANIFEST, "");
    }
    copy.write(MANIFEST, vec![b' '; (4 << 20) + 1]);
    blamed(Bundle::open(copy.path()), MANIFEST, "longer than");
}

#[test]
fn another_schema_is_said_before_anything_else() {
    blamed(
        opened(|m| {
            m["schema"] = json!(SCHEMA + 1);
            m["from the future"] = json!({});
        }),
        MANIFEST,
        "update this software",
    );
    blamed(opened(|m| m["schema"] = json!(0)), MANIFEST, "cones import");
    blamed(opened(|m| m["schema"] = json!(-1)), MANIFEST, "");
    blamed(opened(|m| m["schema"] = json!("1")), MANIFEST, "");
}

/// A second text encoder is told by its schema, comes with its files, and widens what K and V are made from.
#[test]
fn half_a_second_text_encoder_is_refused() {
    let second =
        || json!({ "hidden_size": 8, "projection_dim": 4, "bos_token_id": 0, "eos_token_id": 1, "pad_token_id": 0 });
    let with = |schema: u32, second: Value| {
        opened(move |manifest| {
            manifest["schema"] = json!(schema);
            manifest["text_2"] = second;
        })
    };
    blamed(with(4, second()), MANIFEST, "`text_2` needs schema 5");
    blamed(with(5, second()), MANIFEST, "both text encoders give");
    let mut wide = second();
    wide["hidden_size"] = json!(1 << 20);
    blamed(with(5, wide), MANIFEST, "`text_2.hidden_size`");
    blamed(
        opened(|manifest| {
            let width = manifest["text"]["hidden_size"].as_u64().expect("a width");
            (manifest["schema"], manifest["text_2"]) = (json!(5), second());
            manifest["text"]["hidden_size"] = json!(width - 8);
        }),
        MANIFEST,
        "does not list `tokenizer_2.json`",
    );
}

/// Puts a field that nobody knows into every object.
fn grow(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            fields.values_mut().for_each(grow);
            fields.insert("of_tomorrow".into(), json!({ "a": [1, 2] }));
        }
        Value::Array(items) => items.iter_mut().for_each(grow),
        _ => {}
    }
}

/// The rule by which a manifest grows: what is new in it is passed over, and what must not be raises the schema.
#[test]
fn tomorrows_manifest_is_read_today() {
    let tomorrow = opened(|manifest| {
        let files = manifest["files"].take();
        grow(manifest);
        // Every entry of this object is a file.
        manifest["files"] = files;
        manifest["files"].as_object_mut().expect("files").values_mut().for_each(grow);
    });
    assert_eq!(tomorrow.expect("a bundle").manifest(), base::bundle().manifest());
    blamed(opened(|m| m["prediction_type"] = json!("flow")), MANIFEST, "flow");
    blamed(opened(|m| m["defaults"]["scheduler"] = json!("unipc")), MANIFEST, "unipc");
}

#[test]
fn missing_fields_are_named() {
    let manifest = Copy::new().manifest();
    for field in manifest.as_object().expect("an object").keys().filter(|f| *f != "preview") {
        let missing = opened(|m| drop(m.as_object_mut().expect("an object").remove(field)));
        blamed(missing, MANIFEST, field);
    }
}

#[test]
fn names_that_lead_elsewhere_are_refused() {
    let outside = ["../bundle.json", "/etc/hostname", "a/b", "..", ".", "", "C:\\x", "a\\b", "\0", ".hidden", "é"];
    for name in outside {
        let result = opened(|m| m["files"][name] = json!({ "bytes": 1, "sha256": "0".repeat(64) }));
        blamed(result, MANIFEST, "plain file name");
    }
}

#[test]
fn a_file_that_must_be_listed_is_named() {
    for name in [TOKENIZER, TEXT_ENCODER, UNET, VAE_DECODER, ATTENTION] {
        let result = opened(|m| drop(m["files"].as_object_mut().expect("files").remove(name)));
        blamed(result, MANIFEST, name);
    }
    // img2img alone needs the encoder.
    let copy = Copy::new();
    copy.edit(|m| drop(m["files"].as_object_mut().expect("files").remove(VAE_ENCODER)));
    Bundle::open(copy.path()).expect("a bundle without img2img");
    blamed(draw(copy.path()), VAE_ENCODER, "comes without it");
}

#[test]
fn channels_beside_the_latent_are_those_of_a_region_and_need_their_schema() {
    let of =
        |schema: u32, channels: i64| opened(|m| (m["schema"], m["in_channels"]) = (json!(schema), json!(channels)));
    let latent = i64::from(base::bundle().manifest().latent.channels);
    // The latent, the mask, and the latent of the picture around it: 9 in Stable Diffusion.
    let region = 2 * latent + 1;
    assert!(of(2, region).is_ok_and(|bundle| bundle.manifest().takes_region()));
    assert!(of(2, latent).is_ok_and(|bundle| !bundle.manifest().takes_region()));
    for (schema, channels) in [(1, region), (2, 0), (2, latent + 1), (2, 2 * latent), (2, 4_000_000_000)] {
        blamed(of(schema, channels), MANIFEST, "`in_channels`");
    }
}

#[test]
fn a_guidance_input_and_another_noise_need_their_schema() {
    let of = |schema: u32, place: &str, value: serde_json::Value| {
        opened(|m| {
            m["schema"] = json!(schema);
            let (parent, field) = place.rsplit_once('/').expect("a path");
            m.pointer_mut(parent).expect("a place")[field] = value;
        })
    };
    let fields = [
        ("/time_cond_proj_dim", json!(256)),
        ("/noise_schedule/rescale_betas_zero_snr", json!(true)),
        ("/noise_schedule/original_inference_steps", json!(100)),
    ];
    for (place, value) in fields {
        assert!(of(4, place, value.clone()).is_ok_and(|bundle| bundle.manifest().lowest_schema() == 4), "{place}");
        // An app from before would overlook it, and draw another picture or none.
        blamed(of(3, place, value), MANIFEST, "schema 4");
    }
    for width in [0u32, 3, 4_000_000_000] {
        blamed(of(4, "/time_cond_proj_dim", json!(width)), MANIFEST, "time_cond_proj_dim");
    }
    // What is as ever needs no schema.
    let usual = opened(|m| m["noise_schedule"]["original_inference_steps"] = json!(50));
    assert!(usual.is_ok_and(|bundle| bundle.manifest().lowest_schema() == 1));
}

#[test]
fn a_classifier_needs_its_schema_its_file_and_values_that_can_be() {
    let of = |change: fn(&mut serde_json::Value)| {
        let copy = cones_tests::classifier::bundle(0.5);
        copy.edit(change);
        Bundle::open(copy.path())
    };
    assert!(of(|_| {}).is_ok_and(|bundle| bundle.manifest().safety.is_some()));
    // An app from before would overlook it, and show what was to be blurred.
    blamed(of(|m| m["schema"] = json!(2)), MANIFEST, "schema 3");
    blamed(of(|m| drop(m["files"].as_object_mut().expect("files").remove("safety.onnx"))), MANIFEST, "safety.onnx");
    blamed(of(|m| m["safety"]["image_std"] = json!([1, 0, 1])), MANIFEST, "image_std");
    blamed(of(|m| m["safety"]["resample"] = json!("psychic")), MANIFEST, "psychic");
}

#[test]
fn numbers_that_cannot_be_are_named() {
    let cases = [
        ("/image/width", json!(0)),
        ("/image/height", json!(4_000_000_000u32)),
        ("/image/height", json!(63)),
        ("/latent/channels", json!(0)),
        ("/latent/channels", json!(4_000_000_000u32)),
        ("/latent/scale", json!(0)),
        ("/latent/multiple", json!(0)),
        ("/latent/multiple", json!(3)),
        ("/vae/scaling_factor", json!(0.0)),
        ("/vae/scaling_factor", json!(-1.0)),
        ("/vae/scaling_factor", json!(1e300)),
        ("/vae/scaling_factor", json!(1e-300)),
        ("/vae/shift_factor", json!(-1e300)),
        ("/text/max_length", json!(2)),
        ("/text/max_length", json!(4_000_000_000u32)),
        ("/text/hidden_size", json!(0)),
        ("/text/hidden_size", json!(191)),
        ("/noise_schedule/num_train_timesteps", json!(0)),
        ("/noise_schedule/num_train_timesteps", json!(4_000_000_000u32)),
        ("/noise_schedule/beta_start", json!(-1.0)),
        ("/noise_schedule/beta_end", json!(2.0)),
        ("/defaults/steps", json!(0)),
        ("/defaults/steps", json!(1001)),
        ("/defaults/guidance", json!(-1.0)),
        ("/defaults/guidance", json!(1e300)),
        ("/defaults/scheduler", json!("plms")),
        ("/preview", json!({ "weight": [], "bias": [0.0, 0.0, 0.0] })),
        ("/layers", json!([])),
        ("/layers/0/rows", json!(0)),
        ("/layers/0/rows", json!(4_000_000_000u32)),
        ("/layers/0/columns", json!(1)),
    ];
    for (place, value) in cases {
        let result = opened(|m| *m.pointer_mut(place).expect("a field") = value.clone());
        println!("{place} = {value}");
        blamed(result, MANIFEST, "");
    }
    // NaN and infinity cannot be written in JSON; what stands for them is refused.
    let copy = Copy::new();
    let text = String::from_utf8(copy.read(MANIFEST)).expect("text");
    for stand_in in ["NaN", "Infinity", "1e999", "\"NaN\"", "null"] {
        let from = text.find("\"scaling_factor\"").expect("the field") + 16;
        let end = from + text[from..].find([',', '}']).expect("its end");
        copy.write(MANIFEST, format!("{}: {stand_in}{}", &text[..from], &text[end..]));
        blamed(Bundle::open(copy.path()), MANIFEST, "");
    }
}
