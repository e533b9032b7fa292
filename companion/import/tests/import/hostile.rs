//! Damaged, foreign and malicious exports are errors that name what is wrong.

use std::fs;
use std::path::Path;

use cones_onnx::proto::tensor_proto::DataLocation;
use cones_onnx::proto::{GraphProto, NodeProto, StringStringEntryProto};
use cones_onnx::{Model, names, node};

use crate::fixture::{
    DIALECTS, arguments, copy_all, diffusers, edit_graph, error_of, export, import, run, temporary, told,
};

const TEXT: &str = "encoder_hidden_states";

/// Positions of the nodes that project the text.
fn projections(graph: &GraphProto) -> Vec<usize> {
    let is_projection = |n: &NodeProto| n.op_type() == "MatMul" && n.input[0] == TEXT;
    (0..graph.node.len()).filter(|at| is_projection(&graph.node[*at])).collect()
}

fn assert_says(error: &str, parts: &[&str]) {
    for part in parts {
        assert!(error.contains(part), "`{part}` is not in: {error}");
    }
}

#[test]
fn a_missing_layer_is_named() {
    for dialect in DIALECTS {
        let error = error_of(dialect, |graph| {
            let found = projections(graph);
            let (to_k, to_v) = (graph.node[found[0]].output[0].clone(), graph.node[found[1]].output[0].clone());
            names::redirect(graph, &to_v, &to_k);
        });
        assert_says(&error, &["down_blocks.0.attentions.0.transformer_blocks.0.attn2.to_v", "not found", "unet.onnx"]);
    }
}

#[test]
fn a_duplicated_projection_is_named_with_both_nodes() {
    let error = error_of("fused", |graph| {
        let at = projections(graph)[0];
        let mut twin = graph.node[at].clone();
        let output = twin.output[0].clone();
        twin.name = Some("twin".into());
        twin.output[0] = "twin.k".into();
        names::redirect(graph, &output, "both");
        graph.node.splice(at + 1..at + 1, [twin, node::new("Max", &[&output, "twin.k"], "both")]);
    });
    assert_says(&error, &["down_blocks.0.attentions.0.transformer_blocks.0.attn2.to_k", "twice", "`twin`"]);
}

#[test]
fn another_use_of_the_text_is_named() {
    let error = error_of("plain", |graph| {
        names::redirect(graph, "sample", "mixed");
        let leak = node::with_int(node::new("ReduceMax", &[TEXT], "leak"), "keepdims", 0);
        graph.node.splice(0..0, [leak, node::new("Add", &["sample", "leak"], "mixed")]);
    });
    assert_says(&error, &["`leak/ReduceMax`", TEXT, "attn2"]);
}

#[test]
fn weights_of_another_model_are_named() {
    let error = error_of("fused", |graph| {
        let name = graph.node[projections(graph)[2]].input[1].clone();
        let weight = graph.initializer.iter_mut().find(|t| t.name() == name).expect("a weight");
        let mut bytes = weight.raw_data.clone().expect("data").to_vec();
        bytes[..4].copy_from_slice(&7.5f32.to_le_bytes());
        weight.raw_data = Some(bytes.into());
    });
    assert_says(&error, &["mid_block.attentions.0.transformer_blocks.0.attn2.to_k", "other weights", "--weights"]);
}

#[test]
fn a_graph_without_the_text_says_what_it_takes() {
    let error = error_of("fused", |graph| {
        names::rename(graph, TEXT, "words");
        names::rename(graph, "timestep", "when");
    });
    assert_says(&error, &["`words`", "`when`", TEXT]);
}

#[test]
fn truncated_files_are_errors() {
    let export = export("fused");
    let whole = fs::read(export.path().join("unet.onnx")).expect("a fixture");
    for length in [0, 1, 7, 100, whole.len() / 3, whole.len() - 1] {
        fs::write(export.path().join("unet.onnx"), &whole[..length]).expect("a file");
        let error = told(&import(export.path()).expect_err("a truncated graph"));
        assert_says(&error, &["unet.onnx"]);
    }
}

/// Where the bytes of a graph's file are that are no weights: names, sizes, attributes, and what holds them together.
fn structure(file: &Path) -> Vec<usize> {
    let whole = fs::read(file).expect("a fixture");
    let model = Model::open(file).expect("a fixture");
    let mut is_weight = vec![false; whole.len()];
    for weight in &model.graph().expect("a graph").initializer {
        let bytes = weight.raw_data();
        let at = whole.windows(bytes.len().max(64)).position(|window| window == bytes);
        at.into_iter().for_each(|at| is_weight[at..at + bytes.len()].fill(true));
    }
    (0..whole.len()).filter(|at| !is_weight[*at]).collect()
}

#[test]
fn flipped_bytes_never_panic() {
    let export = export("fused");
    let file = export.path().join("unet.onnx");
    let (whole, structure) = (fs::read(&file).expect("a fixture"), structure(&file));
    assert!(structure.len() < whole.len() * 2 / 3, "{} of {} bytes", structure.len(), whole.len());
    let mut state = 1u64;
    for _ in 0..15 {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        let mut damaged = whole.clone();
        damaged[structure[(state >> 33) as usize % structure.len()]] ^= 1 << (state >> 61);
        fs::write(&file, &damaged).expect("a file");
        // A name that nobody reads may be another; nothing may do worse than fail.
        drop(import(export.path()));
    }
}

/// Lets the first large tensor lie in another file, at a place described by `entries`.
fn with_external(entries: &[(&str, &str)]) -> String {
    let export = export("plain");
    fs::write(export.path().join("data"), [0; 64]).expect("a file");
    edit_graph(&export.path().join("unet.onnx"), |graph| {
        let weight = graph.initializer.iter_mut().find(|t| t.raw_data().len() > 1024).expect("a large tensor");
        weight.name = Some("outside".into());
        weight.raw_data = None;
        weight.data_location = Some(DataLocation::External as i32);
        let entry = |(key, value): &(&str, &str)| StringStringEntryProto {
            key: Some((*key).into()),
            value: Some((*value).into()),
        };
        weight.external_data = entries.iter().map(entry).collect();
        // Something must read it, or it is dropped unread.
        graph.node.insert(0, node::new("ReduceSum", &["outside"], "outside.sum"));
        names::redirect(graph, "sample", "outside.mixed");
        graph.node.insert(1, node::new("Add", &["sample", "outside.sum"], "outside.mixed"));
    });
    told(&import(export.path()).expect_err("a place that must not be read"))
}

#[test]
fn external_data_outside_the_folder_are_not_read() {
    for location in ["../x", "/etc/passwd", "a/../../x", ""] {
        assert_says(&with_external(&[("location", location)]), &["`outside`", "outside the folder"]);
    }
    assert_says(&with_external(&[("location", "absent")]), &["`outside`", "`absent`"]);
    assert_says(&with_external(&[]), &["`outside`", "without saying where"]);
}

/// Whoever sends an export could have a file of the one who imports it copied into the bundle.
#[cfg(unix)]
#[test]
fn links_that_lead_out_of_the_export_are_not_followed() {
    use std::os::unix::fs::symlink;
    let elsewhere = temporary();
    fs::write(elsewhere.path().join("diary.txt"), "dear").expect("a file");
    for (link, target) in [("data", "diary.txt"), ("text_encoder/model.onnx_data", "diary.txt"), ("unet", "")] {
        let export = export("plain");
        fs::create_dir_all(export.path().join(link).parent().expect("a folder")).expect("a folder");
        symlink(elsewhere.path().join(target), export.path().join(link)).expect("a link");
        assert_says(
            &told(&import(export.path()).expect_err("it leads out")),
            &[link, "leads out of the export", target],
        );
    }
    // By way of another link, and by way of what looks like a cache.
    let cached = temporary();
    let (snapshot, blobs) =
        (cached.path().join("models--a--b/snapshots/0123"), cached.path().join("models--a--b/blobs"));
    fs::create_dir_all(&blobs).expect("a folder");
    copy_all(export("plain").path(), &snapshot);
    symlink(elsewhere.path().join("diary.txt"), blobs.join("4567")).expect("a link");
    symlink("../../blobs/4567", snapshot.join("data")).expect("a link");
    assert_says(
        &told(&import(&snapshot).expect_err("it leads out")),
        &["data", "leads out of the export", "diary.txt"],
    );
}

#[cfg(unix)]
#[test]
fn links_within_the_export_and_in_hugging_faces_cache_are_followed() {
    use std::os::unix::fs::symlink;
    let cached = temporary();
    let (snapshot, blobs) =
        (cached.path().join("models--a--b/snapshots/0123"), cached.path().join("models--a--b/blobs"));
    fs::create_dir_all(&blobs).expect("a folder");
    copy_all(export("plain").path(), &snapshot);
    for (hash, entry) in fs::read_dir(&snapshot).expect("a folder").flatten().enumerate().collect::<Vec<_>>() {
        fs::rename(entry.path(), blobs.join(hash.to_string())).expect("moved");
        symlink(format!("../../blobs/{hash}"), entry.path()).expect("a link");
    }
    symlink("unet.onnx", snapshot.join("latest.onnx")).expect("a link");
    symlink("nowhere", snapshot.join("broken")).expect("a link");
    import(&snapshot).expect("imported");
}

#[test]
fn external_data_beyond_the_file_are_not_read() {
    for (offset, length) in [("0", "9999999"), ("100", "4"), ("18446744073709551615", "2"), ("60", "5")] {
        let error = with_external(&[("location", "data"), ("offset", offset), ("length", length)]);
        assert_says(&error, &["`outside`", offset, length, "beyond the 64 bytes"]);
    }
    assert_says(&with_external(&[("location", "data"), ("offset", "-1")]), &["`outside`", "offset `-1`"]);
    assert_says(&with_external(&[("location", "data"), ("length", "64")]), &["`outside`", "64 bytes"]);
}

#[test]
fn impossible_shapes_are_errors() {
    for dims in [vec![i64::MAX, i64::MAX], vec![-1, 4], vec![1 << 62]] {
        let error = error_of("plain", |graph| {
            let weight = graph.initializer.iter_mut().find(|t| t.raw_data().len() > 1024).expect("a large tensor");
            weight.dims = dims;
        });
        assert_says(&error, &["unet.onnx", "shape"]);
    }
}

/// The error with one key of a configuration set to another value.
fn with_config(file: &str, key: &str, value: serde_json::Value) -> String {
    let (export, weights, out) = (export("plain"), diffusers(), temporary());
    let path = weights.path().join(file);
    let mut json: serde_json::Value = read_json(&path);
    json[key] = value;
    fs::write(&path, json.to_string()).expect("a file");
    let mut args = arguments(export.path(), &out.path().join("bundle"));
    args.weights = weights.path().to_path_buf();
    told(&run(&args).expect_err("an unsupported configuration"))
}

fn read_json(path: &Path) -> serde_json::Value {
    serde_json::from_str(&fs::read_to_string(path).expect("a file")).expect("JSON")
}

#[test]
fn unsupported_configurations_name_file_and_key() {
    let cases = [
        ("scheduler/scheduler_config.json", "prediction_type", "sample".into()),
        ("scheduler/scheduler_config.json", "beta_schedule", "squaredcos_cap_v2".into()),
        ("scheduler/scheduler_config.json", "num_train_timesteps", "many".into()),
        ("scheduler/scheduler_config.json", "beta_start", 2.into()),
        ("unet/config.json", "addition_embed_type", "text_time".into()),
        ("unet/config.json", "in_channels", 10.into()),
        ("unet/config.json", "cross_attention_dim", 768.into()),
        ("unet/config.json", "sample_size", (-4).into()),
        ("vae/config.json", "scaling_factor", 0.into()),
        ("vae/config.json", "_class_name", "VQModel".into()),
        ("vae/config.json", "latents_mean", vec![0; 4].into()),
    ];
    for (file, key, value) in cases {
        assert_says(&with_config(file, key, value), &[file, &format!("`{key}`")]);
    }
}

#[test]
fn damaged_weights_are_errors() {
    let (export, weights, out) = (export("plain"), diffusers(), temporary());
    let file = weights.path().join("unet/diffusion_pytorch_model.safetensors");
    let whole = fs::read(&file).expect("a fixture");
    let mut args = arguments(export.path(), &out.path().join("bundle"));
    args.weights = weights.path().to_path_buf();
    for length in [0, 5, 100, whole.len() - 1] {
        fs::write(&file, &whole[..length]).expect("a file");
        let error = told(&run(&args).expect_err("truncated weights"));
        assert_says(&error, &["diffusion_pytorch_model.safetensors"]);
    }
    fs::remove_file(&file).expect("a removed file");
    assert_says(&told(&run(&args).expect_err("no weights")), &["unet", "diffusion_pytorch_model.safetensors"]);
}

#[test]
fn missing_folders_and_files_are_named() {
    let (export, out) = (export("plain"), temporary());
    let mut args = arguments(Path::new("nowhere"), &out.path().join("bundle"));
    assert_says(&told(&run(&args).expect_err("no export")), &["`nowhere`", "--onnx"]);
    args = arguments(export.path(), &out.path().join("bundle"));
    args.weights = "neither".into();
    assert_says(&told(&run(&args).expect_err("no weights")), &["`neither`", "--weights"]);
    fs::remove_file(export.path().join("text_encoder.onnx")).expect("a removed file");
    let error = told(&import(export.path()).expect_err("no text encoder"));
    assert_says(&error, &["text_encoder.onnx"]);
}
