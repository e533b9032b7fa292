//! U-Nets of 9 channels, which are told what is redrawn: imported, refused where they cannot serve, and drawing diffusers' pictures.

use std::fs;
use std::path::{Path, PathBuf};

use cones_core::model::bundle::{UNET, mapped_twin};
use cones_core::model::manifest::{FileEntry, Manifest};
use cones_core::{Bundle, CancelToken, Engine, Error, Init, Inpaint, Picture, Request, Sha256};
use cones_gradient::unet::inputs;
use cones_onnx::proto::tensor_proto::DataType;
use cones_onnx::{Model, info, node, tensor};
use cones_tests::psnr::psnr;
use cones_tests::sheet::Sheet;
use cones_tests::{base, golden};
use half::f16;
use serde_json::json;

use crate::fixture::{arguments, diffusers, export, manifest, run, told};
use crate::run::draw;

/// What a U-Net takes beside the channels of the noisy latent: the mask, and the latent of the picture around it.
fn more(channels: u32) -> u32 {
    channels + 1
}

/// Gives the first convolution of a U-Net's graph weights for further channels, as `tests/golden/make_inpaint.py` does.
fn widen(file: &Path) {
    let mut model = Model::open(file).expect("a U-Net");
    let graph = model.graph().expect("a graph");
    let first = |n: &&cones_onnx::proto::NodeProto| node::has_op(n, "Conv") && n.input[0] == "sample";
    let weight = graph.node.iter().find(first).expect("a first convolution").input[1].clone();
    // Weights of float16 go through a cast.
    let cast = graph.node.iter().find(|n| n.output.contains(&weight)).map(|n| n.input[0].clone());
    let name = cast.unwrap_or(weight);
    let held = graph.initializer.iter().find(|tensor| tensor.name() == name).expect("its weights");
    let (kind, dims) = (held.data_type.expect("a type"), held.dims.clone());
    let &[outputs, channels, rows, columns] = dims.as_slice() else { panic!("{dims:?}") };
    let kernel = (rows * columns) as usize;
    let further = more(channels as u32) as usize;
    let values = model.source.values(held).expect("numbers");
    let mut draws = splitmix64(9).map(|draw| ((draw % 257) as f32 - 128.0) / 1024.0);
    let wide: Vec<f32> = values
        .chunks(channels as usize * kernel)
        .flat_map(|own| own.iter().copied().chain(draws.by_ref().take(further * kernel)).collect::<Vec<_>>())
        .collect();
    let bytes: Vec<u8> = match kind == DataType::Float16 as i32 {
        true => wide.iter().flat_map(|value| f16::from_f32(*value).to_le_bytes()).collect(),
        false => wide.iter().flat_map(|value| value.to_le_bytes()).collect(),
    };
    let taken = channels + further as i64;
    let new = tensor::raw(&name, kind, &[outputs, taken, rows, columns], bytes);
    let graph = model.graph_mut().expect("a graph");
    graph.initializer.iter_mut().filter(|tensor| tensor.name() == name).for_each(|held| *held = new.clone());
    for input in &mut graph.input {
        if input.name() == "sample" {
            info::fix_at(input, 1, taken as usize);
        }
        if input.name() == name {
            info::fix_at(input, 1, taken as usize);
        }
    }
    graph.value_info.retain(|value| ![name.as_str(), "model.conv_in.weight"].contains(&value.name()));
    let written = file.with_extension("wide");
    model.save(&written).expect("a saved graph");
    drop(model);
    fs::rename(written, file).expect("a renamed file");
}

/// SplitMix64.
fn splitmix64(seed: u64) -> impl Iterator<Item = u64> {
    (1u64..).map(move |step| {
        let mut z = seed.wrapping_add(step.wrapping_mul(0x9E37_79B9_7F4A_7C15));
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    })
}

/// A tiny model for inpainting, imported; made once for all tests, which only look at it.
fn imported(dialect: &str) -> PathBuf {
    cones_tests::made::once(env!("CARGO_TARGET_TMPDIR"), &format!("inpainting-{dialect}"), |bundle| {
        let (export, weights) = (export(dialect), diffusers());
        widen(&export.path().join("unet.onnx"));
        let config = weights.path().join("unet/config.json");
        let mut unet: serde_json::Value = serde_json::from_slice(&fs::read(&config).expect("a file")).expect("JSON");
        unet["in_channels"] = json!(9);
        fs::write(&config, unet.to_string()).expect("a file");
        let mut args = arguments(export.path(), bundle);
        args.weights = weights.path().to_path_buf();
        run(&args).unwrap_or_else(|error| panic!("{dialect}: {}", told(&error)));
    })
}

fn half(picture: &Picture) -> Picture {
    let white = |i: u32| [if i % picture.width >= picture.width / 2 { 255 } else { 0 }; 3];
    Picture { rgb: (0..picture.width * picture.height).flat_map(white).collect(), ..*picture }
}

#[test]
fn a_model_for_inpainting_is_imported_and_draws() {
    for dialect in ["plain", "torchscript"] {
        let bundle = imported(dialect);
        let made = manifest(&bundle);
        assert_eq!((made.in_channels, made.latent.channels, made.schema), (Some(9), 4, 2));
        // From a text alone, all of the picture is drawn anew.
        let first = draw(&bundle, |request| request).expect("a picture").pictures.swap_remove(0).picture;
        let mask = half(&first);
        let init = Init::new(first.clone(), 1.0).with_inpaint(Inpaint::new(mask));
        let part = draw(&bundle, |request| request.with_seed(4).with_init(init)).expect("a picture");
        let part = part.pictures[0].picture.clone();
        let row = 3 * first.width as usize;
        let side = |picture: &Picture, left: bool| -> Vec<u8> {
            let of_row = |row: &[u8]| if left { row[..row.len() / 2].to_vec() } else { row[row.len() / 2..].to_vec() };
            picture.rgb.chunks(row).flat_map(of_row).collect()
        };
        assert_eq!(side(&part, true), side(&first, true));
        assert_ne!(side(&part, false), side(&first, false));
    }
}

#[test]
fn the_memory_plan_counts_what_it_takes() {
    let (wide, narrow) = (imported("plain"), crate::fixture::imported("plain"));
    let plan = |folder: &Path| {
        let bundle = Bundle::open(folder).expect("a bundle");
        let engine = Engine::new(bundle, base::options()).expect("an engine");
        engine.memory_plan(&Request::new("a dog")).expect("a plan").stages
    };
    let stages = |folder: &Path| plan(folder).into_iter().map(|stage| stage.graph).collect::<Vec<_>>();
    assert!(stages(&wide).contains(&"vae_encoder.onnx") && !stages(&narrow).contains(&"vae_encoder.onnx"));
    let unet = |folder| plan(folder).into_iter().find(|stage| stage.graph == UNET).expect("a U-Net").peak;
    assert!(unet(&wide) > unet(&narrow));
}

#[test]
fn finding_on_it_is_refused_with_a_reason() {
    let folder = imported("plain");
    let bundle = Bundle::open(&folder).expect("a bundle");
    let model = Model::open(&folder.join(UNET)).expect("a graph");
    let sizes = cones_gradient::Sizes { batch: 1, height: 8, width: 8, tokens: 8 };
    let refused = inputs(&model, &bundle, sizes).expect_err("a model for inpainting").to_string();
    assert!(refused.contains("for inpainting"), "{refused}");
}

/// Toybox with a U-Net that is told what is redrawn.
fn toybox() -> tempfile::TempDir {
    let copy = tempfile::tempdir().expect("a temporary folder");
    for entry in fs::read_dir(base::folder()).expect("a bundle") {
        let entry = entry.expect("an entry");
        fs::copy(entry.path(), copy.path().join(entry.file_name())).expect("a copy");
    }
    let path = copy.path().join("bundle.json");
    let mut wide: Manifest = serde_json::from_slice(&fs::read(&path).expect("a manifest")).expect("a manifest");
    let channels = wide.latent.channels;
    (wide.schema, wide.in_channels) = (2, Some(channels + more(channels)));
    for name in [UNET.to_owned(), mapped_twin(UNET)] {
        let file = copy.path().join(&name);
        widen(&file);
        let bytes = fs::metadata(&file).expect("a file").len();
        let sha256 = Sha256::of_file(&file, &CancelToken::new()).expect("a hash");
        wide.files.insert(name, FileEntry { bytes, sha256 });
    }
    fs::write(&path, serde_json::to_vec(&wide).expect("JSON")).expect("a manifest");
    copy
}

#[test]
#[allow(clippy::print_stdout, reason = "tests say what they measure")]
fn pictures_of_nine_channels_are_diffusers() {
    let golden: serde_json::Value = golden::json("inpaint/nine.json");
    golden::check_weights(golden["fingerprint"].as_str().expect("a fingerprint"), &base::bundle());
    let guidance = golden["guidance"].as_f64().expect("a number") as f32;
    let size = base::bundle().manifest().image;
    let sheet = Sheet::open("inpaint/nine.png", (size.width, size.height));
    let folder = toybox();
    let bundle = Bundle::open(folder.path()).expect("a bundle");
    let mut engine = Engine::new(bundle, base::options()).expect("an engine");
    let mut lowest = f64::INFINITY;
    for (column, case) in golden["cases"].as_array().expect("cases").iter().enumerate() {
        let [start, mask, drawn] = [0, 1, 2].map(|row| sheet.cell(column, row));
        let text = |key: &str| case[key].as_str().expect("a text");
        let number = |key: &str| case[key].as_u64();
        let strength = case["strength"].as_f64().expect("a number") as f32;
        let mut request = Request::new(text("prompt"))
            .with_negative_prompt(text("negative_prompt"))
            .with_seed(number("seed").expect("a seed"))
            .with_guidance(guidance)
            .with_steps(number("steps").expect("steps") as u32)
            .with_scheduler(text("scheduler").parse().expect("a scheduler"));
        let padding = number("padding_mask_crop").map(|padding| padding as u32);
        // All white is what a text alone gives.
        let whole = mask.rgb.iter().all(|level| *level == 255);
        if !whole {
            let mut inpaint = Inpaint::new(mask.clone());
            inpaint.padding_mask_crop = padding;
            request = request.with_init(Init::new(start.clone(), strength).with_inpaint(inpaint));
        }
        let picture = base::draw(&mut engine, &request);
        let blend = |((drawn, start), level): ((&u8, &u8), &u8)| {
            let level = u32::from(*level);
            ((u32::from(*drawn) * level + u32::from(*start) * (255 - level) + 127) / 255) as u8
        };
        let pasted = drawn.rgb.iter().zip(&start.rgb).zip(&mask.rgb).map(blend).collect();
        let expected = if padding.is_some() { drawn } else { Picture { rgb: pasted, ..drawn } };
        let likeness = psnr(&picture, &expected);
        println!("nine.png {likeness:6.2} dB  {} {strength}", text("scheduler"));
        lowest = lowest.min(likeness);
    }
    assert!(lowest >= 45.0, "{lowest:.2} dB");
}

#[test]
fn a_region_too_small_for_a_cell_is_refused_here_too() {
    let bundle = imported("plain");
    let first = draw(&bundle, |request| request).expect("a picture").pictures.swap_remove(0).picture;
    let mut mask = Picture { rgb: vec![0; first.rgb.len()], ..first };
    mask.rgb[3..6].fill(255);
    let init = Init::new(first, 1.0).with_inpaint(Inpaint::new(mask));
    let refused = draw(&bundle, |request| request.with_init(init));
    assert!(matches!(refused, Err(Error::BadRequest { field: "mask_image", .. })), "{refused:?}");
}
