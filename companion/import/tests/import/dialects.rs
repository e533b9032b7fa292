//! Every exporter's dialect becomes a bundle that computes what PyTorch computes.

use cones_import::Storage;
use cones_onnx::Model;

use crate::fixture::{DIALECTS, arguments, contents, edit_graph, export, import, imported, manifest, run, temporary};
use crate::run::{distance_from_pytorch, unet};

const LAYERS: [&str; 8] = [
    "down_blocks.0.attentions.0.transformer_blocks.0.attn2.to_k",
    "down_blocks.0.attentions.0.transformer_blocks.0.attn2.to_v",
    "mid_block.attentions.0.transformer_blocks.0.attn2.to_k",
    "mid_block.attentions.0.transformer_blocks.0.attn2.to_v",
    "up_blocks.1.attentions.0.transformer_blocks.0.attn2.to_k",
    "up_blocks.1.attentions.0.transformer_blocks.0.attn2.to_v",
    "up_blocks.1.attentions.1.transformer_blocks.0.attn2.to_k",
    "up_blocks.1.attentions.1.transformer_blocks.0.attn2.to_v",
];

#[test]
fn every_dialect_reproduces_pytorch() {
    for dialect in DIALECTS {
        let bundle = imported(dialect);
        let names: Vec<_> = manifest(&bundle).layers.into_iter().map(|layer| layer.name).collect();
        assert_eq!(names, LAYERS, "{dialect}");
        let distance = distance_from_pytorch(&bundle, "unet.onnx");
        assert!(distance < 1e-4, "{dialect} is {distance} from PyTorch");
    }
}

#[test]
fn inputs_are_sample_timestep_and_the_layers_in_order() {
    let model = Model::open(&imported("torchscript").join("unet.onnx")).expect("a graph");
    let names: Vec<&str> = model.graph().expect("a graph").input.iter().map(|input| input.name()).collect();
    assert_eq!(names[..2], ["sample", "timestep"]);
    assert_eq!(names[2..], LAYERS);
}

#[test]
fn all_dialects_have_the_same_fingerprint() {
    let fingerprints: Vec<cones_core::Sha256> =
        DIALECTS.iter().map(|dialect| manifest(&imported(dialect)).fingerprint).collect();
    assert!(fingerprints.iter().all(|one| *one == fingerprints[0]), "{fingerprints:?}");
}

#[test]
fn fused_and_plain_share_one_weights_file() {
    let (fused, plain, out) = (export("fused"), export("plain"), temporary());
    let mut args = arguments(fused.path(), &out.path().join("both"));
    args.plain = Some(plain.path().to_path_buf());
    run(&args).expect("an import with both dialects");
    let both = out.path().join("both");
    for graph in ["unet.onnx", "unet.plain.onnx"] {
        let distance = distance_from_pytorch(&both, graph);
        assert!(distance < 1e-4, "{graph} is {distance} from PyTorch");
    }
    let bytes = |files: &std::path::Path| manifest(files).files["unet.weights"].bytes;
    let (shared, single) = (bytes(&both), bytes(&imported("fused")));
    assert!(shared < single + single / 10, "{shared} bytes for both, {single} for one");
}

#[test]
fn float16_storage_halves_the_weights_and_changes_no_bit_of_the_output() {
    for dialect in DIALECTS {
        let (export, out) = (export(dialect), temporary());
        let mut args = arguments(export.path(), &out.path().join("single"));
        run(&args).expect("an import");
        args.out = out.path().join("half");
        args.storage = Storage::Float16;
        run(&args).expect("an import as float16");
        let (single, half) = (out.path().join("single"), out.path().join("half"));
        assert_eq!(unet(&single, "unet.onnx"), unet(&half, "unet.onnx"), "{dialect}");
        let bytes = |bundle: &std::path::Path| manifest(bundle).files["unet.weights"].bytes;
        assert!(bytes(&half) * 100 < bytes(&single) * 60, "{dialect}: {} of {}", bytes(&half), bytes(&single));
    }
}

#[test]
fn importing_again_gives_the_same_bytes() {
    let again = import(export("plain").path()).expect("an import");
    let (first, second) = (contents(&imported("plain")), contents(&again.path().join("bundle")));
    assert_eq!(first.len(), second.len());
    for (a, b) in first.iter().zip(&second) {
        assert!(a == b, "{} differs", a.0);
    }
}

#[test]
fn what_exporters_note_beside_the_graph_stays_out() {
    let secret = "/home/somebody/export.py";
    let export = export("fused");
    for graph in ["unet.onnx", "text_encoder.onnx", "vae_decoder.onnx", "vae_encoder.onnx"] {
        edit_graph(&export.path().join(graph), |graph| {
            graph.doc_string = Some(secret.into());
            let entry = |key: &str| cones_onnx::proto::StringStringEntryProto {
                key: Some(key.into()),
                value: Some(secret.into()),
            };
            graph.metadata_props.push(entry("producer"));
            for n in &mut graph.node {
                n.doc_string = Some(secret.into());
                n.metadata_props.push(entry("pkg.torch.onnx.stack_trace"));
            }
            for value in graph.input.iter_mut().chain(&mut graph.output) {
                value.doc_string = Some(secret.into());
            }
            for tensor in &mut graph.initializer {
                tensor.doc_string = Some(secret.into());
                tensor.metadata_props.push(entry("path"));
            }
        });
    }
    let out = import(export.path()).expect("an import");
    for (name, bytes) in contents(&out.path().join("bundle")) {
        let found = bytes.windows(secret.len()).any(|window| window == secret.as_bytes());
        assert!(!found, "{name} holds the path");
    }
}

#[test]
fn the_manifest_says_what_the_configurations_say() {
    let manifest = manifest(&imported("plain"));
    assert_eq!((manifest.image.width, manifest.image.height), (16, 16));
    assert_eq!((manifest.latent.channels, manifest.latent.scale, manifest.latent.multiple), (4, 2, 4));
    assert_eq!(manifest.vae.scaling_factor, 0.5);
    assert_eq!((manifest.text.max_length, manifest.text.hidden_size), (8, 12));
    assert_eq!((manifest.text.bos_token_id, manifest.text.eos_token_id, manifest.text.pad_token_id), (0, 1, 1));
    assert_eq!((manifest.noise_schedule.beta_end, manifest.noise_schedule.steps_offset), (0.012, 1));
    let preview = manifest.preview.expect("a preview");
    assert_eq!(preview.weight.len(), 4);
    let numbers = preview.weight.iter().chain([&preview.bias]).flatten();
    assert!(numbers.clone().all(|number| number.is_finite()));
    assert!(
        manifest.files.keys().eq([
            "attention.safetensors",
            "memory.json",
            "text_encoder.onnx",
            "tokenizer.json",
            "unet.onnx",
            "unet.weights",
            "vae_decoder.onnx",
            "vae_encoder.onnx",
        ]
        .iter())
    );
}

/// How many nodes of each operator a graph of a bundle has.
fn operators(bundle: &std::path::Path, graph: &str) -> std::collections::BTreeMap<String, usize> {
    let model = Model::open(&bundle.join(graph)).expect("a graph");
    let mut counts = std::collections::BTreeMap::new();
    for n in &model.graph().expect("a graph").node {
        *counts.entry(n.op_type().to_owned()).or_default() += 1;
    }
    counts
}

#[test]
fn attention_becomes_multi_head_attention_and_what_has_another_form_stays() {
    let exported = export("fused");
    let out = import(exported.path()).expect("an import");
    let bundle = out.path().join("bundle");
    let found = operators(&bundle, "unet.onnx");
    assert!(!found.contains_key("Attention"), "{found:?}");
    let all = found["MultiHeadAttention"];
    edit_graph(&exported.path().join("unet.onnx"), |graph| {
        let odd = graph.node.iter_mut().find(|n| n.op_type() == "Attention").expect("an attention");
        odd.output.extend([String::new(), String::new(), "scores".into()]);
    });
    let out = import(exported.path()).expect("an import");
    let bundle = out.path().join("bundle");
    let found = operators(&bundle, "unet.onnx");
    assert_eq!((found["Attention"], found["MultiHeadAttention"]), (1, all - 1), "{found:?}");
    let distance = distance_from_pytorch(&bundle, "unet.onnx");
    assert!(distance < 1e-4, "{distance} from PyTorch");
}
