"""Makes `tests/fixtures/import`: a Stable Diffusion pipeline of a few thousand random weights, exported in every dialect.

    python make_import_fixtures.py ../../tests/fixtures/import

    diffusers/            configurations, tokenizer and the U-Net's weights, as `save_pretrained` lays them out
    common/               text_encoder.onnx, vae_decoder.onnx, vae_encoder.onnx
    fused|plain|torchscript/unet.onnx
    golden.safetensors    sample, timestep, encoder_hidden_states and PyTorch's out_sample
"""
import json
import shutil
import sys
import tempfile
from pathlib import Path

import onnx
import torch
from diffusers import AutoencoderKL, DDIMScheduler, UNet2DConditionModel
from safetensors.torch import load_file, save_file
from transformers import CLIPTextConfig, CLIPTextModel

from export_onnx import OPSETS, export_all

TEXT_WIDTH = 12
TOKENS = 8
WORDS = ["<|startoftext|>", "<|endoftext|>", "a</w>", "dog</w>", "on</w>", "grass</w>"]
UNET = dict(
    sample_size=8, in_channels=4, out_channels=4, block_out_channels=(4, 8), layers_per_block=1, norm_num_groups=2,
    down_block_types=("CrossAttnDownBlock2D", "DownBlock2D"), up_block_types=("UpBlock2D", "CrossAttnUpBlock2D"),
    cross_attention_dim=TEXT_WIDTH, attention_head_dim=2,
)
VAE = dict(
    in_channels=3, out_channels=3, latent_channels=4, sample_size=16, block_out_channels=(4, 4), layers_per_block=1,
    norm_num_groups=2, down_block_types=("DownEncoderBlock2D",) * 2, up_block_types=("UpDecoderBlock2D",) * 2,
    scaling_factor=0.5,
)
TEXT = dict(
    vocab_size=len(WORDS), hidden_size=TEXT_WIDTH, intermediate_size=24, projection_dim=TEXT_WIDTH, num_hidden_layers=1,
    num_attention_heads=2, max_position_embeddings=TOKENS, bos_token_id=0, eos_token_id=1, pad_token_id=1,
)


def write_diffusers(folder):
    """Random weights in float16, as published models have them. Returns the U-Net in float32."""
    torch.manual_seed(0)
    unet = UNet2DConditionModel(**UNET).half()
    unet.save_pretrained(folder / "unet")
    AutoencoderKL(**VAE).half().save_pretrained(folder / "vae")
    CLIPTextModel(CLIPTextConfig(**TEXT)).half().save_pretrained(folder / "text_encoder")
    DDIMScheduler(beta_schedule="scaled_linear", beta_start=0.00085, beta_end=0.012, steps_offset=1,
                  set_alpha_to_one=False, clip_sample=False).save_pretrained(folder / "scheduler")
    write_tokenizer(folder / "tokenizer")
    return unet.float().eval()


def write_tokenizer(folder):
    """As little of a tokenizer as import reads: the numbers of the special tokens."""
    folder.mkdir(parents=True)
    special = [dict(id=n, content=WORDS[n], special=True, single_word=False, lstrip=False, rstrip=False, normalized=False)
               for n in (0, 1)]
    vocabulary = {word: number for number, word in enumerate(WORDS)}
    model = dict(type="BPE", vocab=vocabulary, merges=[], end_of_word_suffix="</w>", unk_token=WORDS[1])
    (folder / "tokenizer.json").write_text(json.dumps(dict(version="1.0", added_tokens=special, model=model)))
    (folder / "tokenizer_config.json").write_text(json.dumps(dict(
        bos_token=WORDS[0], eos_token=dict(content=WORDS[1]), pad_token=WORDS[1], model_max_length=TOKENS)))


def slim(source, target):
    """Copies a graph with its weights inside, without stack traces: they are long, and full of this machine's paths.

    Of the exporter's other notes, those that say which layer a projection is are kept.
    """
    model = onnx.load(source)
    model.doc_string = ""
    for entries in [model.metadata_props, model.graph.metadata_props]:
        del entries[:]
    del model.graph.value_info[:]
    for node in model.graph.node:
        scopes = [p for p in node.metadata_props if p.key == "pkg.torch.onnx.name_scopes" and "attn2.to_" in p.value]
        del node.metadata_props[:]
        node.metadata_props.extend(scopes)
        node.doc_string = ""
    for value in list(model.graph.initializer) + list(model.graph.input) + list(model.graph.output):
        del value.metadata_props[:]
    target.parent.mkdir(exist_ok=True)
    onnx.save(model, target)


def write_golden(unet, path):
    """Two pictures of different timesteps, not square."""
    torch.manual_seed(1)
    inputs = dict(sample=torch.randn(2, 4, 8, 12), timestep=torch.tensor([981.0, 20.5]),
                  encoder_hidden_states=torch.randn(2, TOKENS, TEXT_WIDTH))
    with torch.no_grad():
        save_file({**inputs, "out_sample": unet(**inputs).sample.contiguous()}, path)


def main():
    out = Path(sys.argv[1])
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    diffusers = out / "diffusers"
    write_golden(write_diffusers(diffusers), out / "golden.safetensors")
    with tempfile.TemporaryDirectory() as work, torch.no_grad():
        for dialect in OPSETS:
            exported = Path(work) / dialect
            export_all(diffusers, exported, dialect)
            slim(exported / "unet.onnx", out / dialect / "unet.onnx")
            if dialect == "plain":
                for name in ("text_encoder", "vae_decoder", "vae_encoder"):
                    slim(exported / f"{name}.onnx", out / "common" / f"{name}.onnx")
    # Import reads no weights but those of the cross-attention.
    weights = diffusers / "unet/diffusion_pytorch_model.safetensors"
    save_file({name: tensor for name, tensor in load_file(weights).items() if ".attn2." in name}, weights)
    for unneeded in ("text_encoder/model.safetensors", "vae/diffusion_pytorch_model.safetensors"):
        (diffusers / unneeded).unlink()
    for path in out.rglob("*"):
        path.chmod(0o755 if path.is_dir() else 0o644)


if __name__ == "__main__":
    main()
