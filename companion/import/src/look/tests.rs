//! Files as the tools of others write them.

use std::fs;

use safetensors::tensor::{Dtype, TensorView};

use crate::kind::Kind;

/// A safetensors file with these tensors, all zero.
fn tensors(list: &[(&str, Vec<usize>)]) -> Vec<u8> {
    let data = vec![0; 4 * 4096];
    let view = |shape: &Vec<usize>| {
        let bytes = 4 * shape.iter().product::<usize>();
        TensorView::new(Dtype::F32, shape.clone(), &data[..bytes]).expect("a tensor")
    };
    let all: Vec<(&str, TensorView<'_>)> = list.iter().map(|(name, shape)| (*name, view(shape))).collect();
    safetensors::serialize(all, None).expect("a file")
}

/// The beginning of what `torch.save` writes: an archive whose first member is the pickle, stored as it is.
fn pickled(names: &str) -> Vec<u8> {
    [b"PK\x03\x04\0\0archive/data.pkl\x80\x02}q\0X", names.as_bytes()].concat()
}

#[test]
fn files_are_told_by_what_is_in_them() {
    let folder = tempfile::tempdir().expect("a folder");
    let key = |layer: &str| format!("{layer}.transformer_blocks.0.attn2.to_k.weight");
    let alone = key("input_blocks.4.1");
    let (ldm, own) = (key("model.diffusion_model.input_blocks.1.1"), key("down_blocks.0.attentions.0"));
    let matrix = || vec![4, 4];
    let cases: Vec<(&str, Vec<u8>, Kind)> = vec![
        ("sd.safetensors", tensors(&[(&ldm, matrix())]), Kind::Checkpoint),
        (
            "xl.safetensors",
            tensors(&[(&ldm, matrix()), ("conditioner.embedders.1.model.ln_final.weight", vec![4])]),
            Kind::CheckpointXl,
        ),
        (
            "xl-unet.safetensors",
            tensors(&[(&alone, matrix()), ("label_emb.0.0.weight", vec![1, 2816])]),
            Kind::CheckpointXl,
        ),
        (
            "unclip.safetensors",
            tensors(&[(&alone, matrix()), ("label_emb.0.0.weight", vec![1, 2048])]),
            Kind::Checkpoint,
        ),
        ("unet.safetensors", tensors(&[(&own, matrix())]), Kind::UnetWeights),
        ("flux.safetensors", tensors(&[("double_blocks.0.img_attn.qkv.weight", matrix())]), Kind::OtherCheckpoint),
        (
            "kohya.safetensors",
            tensors(&[("lora_unet_down_blocks_0_attentions_0_proj_in.lora_down.weight", matrix())]),
            Kind::Lora,
        ),
        (
            "diffusers-lora.safetensors",
            tensors(&[("unet.down_blocks.0.attentions.0.transformer_blocks.0.attn2.to_k.lora_A.weight", matrix())]),
            Kind::Lora,
        ),
        ("a1111.safetensors", tensors(&[("emb_params", vec![2, 768])]), Kind::TextualInversion),
        ("learned_embeds.safetensors", tensors(&[("<cat-toy>", vec![768])]), Kind::TextualInversion),
        ("control.safetensors", tensors(&[("control_model.input_blocks.1.1.x", matrix())]), Kind::ControlNet),
        ("vae.safetensors", tensors(&[("decoder.conv_in.weight", matrix())]), Kind::Vae),
        ("text.safetensors", tensors(&[("text_model.encoder.layers.0.x", matrix())]), Kind::TextEncoder),
        ("other.safetensors", tensors(&[("x.y", matrix())]), Kind::OtherTensors),
        ("mask.safetensors", tensors(&[(own.trim_end_matches(".weight"), vec![3])]), Kind::Mask),
        ("broken.safetensors", b"\xff\xff\xff\xff\xff\xff\xff\xff{}".to_vec(), Kind::BrokenTensors),
        ("model.ckpt", pickled("model.diffusion_model.input_blocks.1.1"), Kind::PickledCheckpoint),
        ("diffusion_pytorch_model.bin", pickled("down_blocks.0.attn2.to_k.weight"), Kind::PickledCheckpoint),
        ("lora.bin", pickled("unet.attn2.to_k.lora_A.weight"), Kind::PickledLora),
        ("word.pt", pickled("string_to_param"), Kind::PickledTextualInversion),
        ("old.pt", b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19.".to_vec(), Kind::Pickle),
        ("x.zip", b"PK\x03\x04 text.txt".to_vec(), Kind::Zip),
        ("x.gguf", b"GGUF\x03\0\0\0".to_vec(), Kind::Gguf),
        ("graph", b"\x08\x08\x12\x07pytorch".to_vec(), Kind::OnnxGraph),
        ("rex.cones", b"\x89CONES\r\n\x01\0\0\0".to_vec(), Kind::Pack),
        ("rex.webp", b"RIFF\0\0\0\0WEBPVP8 ".to_vec(), Kind::Picture),
        ("rex.jpg", b"\xff\xd8\xff\xe0".to_vec(), Kind::Picture),
        ("page.safetensors", b"<!DOCTYPE html><html>".to_vec(), Kind::WebPage),
        ("pointer.safetensors", b"version https://git-lfs.github.com/spec/v1\noid".to_vec(), Kind::LfsPointer),
        ("x.json", b"\n {\"a\": 1}".to_vec(), Kind::Json),
        ("nothing.safetensors", Vec::new(), Kind::Empty),
        ("notes.txt", b"a dog".to_vec(), Kind::Unknown),
    ];
    for (name, bytes, kind) in cases {
        let path = folder.path().join(name);
        fs::write(&path, bytes).expect("a file");
        assert_eq!(Kind::of(&path), kind, "{name}");
    }
    assert_eq!(Kind::of(&folder.path().join("absent")), Kind::Unknown);
}

#[test]
fn folders_are_told_by_what_is_in_them() {
    for (files, kind) in [
        (&["bundle.json"][..], Kind::Bundle),
        (&["model_index.json", "unet/config.json"], Kind::Pipeline),
        (&["model_index.json", "transformer/config.json"], Kind::OtherPipeline),
        (&["config.json", "diffusion_pytorch_model.safetensors"], Kind::PipelinePart),
        (&["unet.onnx"], Kind::OnnxFolder),
        (&["model_index.json", "unet/config.json", "unet/model.onnx"], Kind::OnnxFolder),
        (&["notes.txt"], Kind::Unknown),
    ] {
        let folder = tempfile::tempdir().expect("a folder");
        for file in files {
            let path = folder.path().join(file);
            fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
            fs::write(path, "x").expect("a file");
        }
        assert_eq!(Kind::of(folder.path()), kind, "{files:?}");
    }
}
