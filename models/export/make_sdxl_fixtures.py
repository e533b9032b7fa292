"""Makes `tests/fixtures/sdxl`: Stable Diffusion XL of a few thousand random weights, exported with optimum's names.

    python make_sdxl_fixtures.py ../../tests/fixtures/sdxl

    diffusers/    configurations, both tokenizers and the attn2 weights of the U-Net, as `save_pretrained` lays them out
    onnx/         text_encoder.onnx, text_encoder_2.onnx, unet.onnx, vae_decoder.onnx, vae_encoder.onnx
    small/        the same of a child as SSD-1B is one: unet/ with configuration and weights, and unet.onnx

As in the real one, levels have none, two and three transformer blocks, linear projections, no attention in the first level; the small
one has none in the middle either, and other numbers of blocks on the way up. Both tokenizers have the same words; the second fills up
with `!`, which is a special token to it.
"""

import json
import shutil
import sys
import tempfile
from pathlib import Path

import onnx
import torch
from diffusers import AutoencoderKL, EulerDiscreteScheduler, StableDiffusionXLPipeline, UNet2DConditionModel
from safetensors.torch import load_file, save_file
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection, CLIPTokenizer

from export_onnx import export_all

TOKENS = 16
WIDTHS = (8, 12)
POOLED = 12
START, END, PAD_2 = "<|startoftext|>", "<|endoftext|>", "!"
# The letters that are tokens of their own make every other word of them.
LETTERS = "abcdefghijklmnopqrstuvwxyz<>1,"
WORDS = ["a", "dog", "cat", "on", "grass", "red", "v1", "snow", "night", "at", "the", "in", "!!"]
UNET = dict(
    sample_size=16, in_channels=4, out_channels=4, block_out_channels=(4, 8, 8), layers_per_block=1, norm_num_groups=2,
    down_block_types=("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
    up_block_types=("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
    transformer_layers_per_block=(1, 2, 3), attention_head_dim=(1, 2, 2), use_linear_projection=True,
    cross_attention_dim=sum(WIDTHS), addition_embed_type="text_time", addition_time_embed_dim=4,
    projection_class_embeddings_input_dim=POOLED + 6 * 4,
)
SMALL_UNET = UNET | dict(
    mid_block_type="UNetMidBlock2D", transformer_layers_per_block=(0, 1, 2),
    reverse_transformer_layers_per_block=((2, 1), (1, 1), 0),
)
VAE = dict(
    in_channels=3, out_channels=3, latent_channels=4, sample_size=32, block_out_channels=(4, 4), layers_per_block=1,
    norm_num_groups=2, down_block_types=("DownEncoderBlock2D",) * 2, up_block_types=("UpDecoderBlock2D",) * 2,
    scaling_factor=0.13025, force_upcast=True,
)
SCHEDULER = dict(
    beta_schedule="scaled_linear", beta_start=0.00085, beta_end=0.012, steps_offset=1, timestep_spacing="leading",
)


def text_config(width, heads, layers, activation):
    # 2 is no token's number here: published configurations have it, and encoders then pool at the largest number.
    return CLIPTextConfig(
        vocab_size=len(vocabulary()[0]), hidden_size=width, intermediate_size=2 * width, projection_dim=POOLED,
        num_hidden_layers=layers, num_attention_heads=heads, max_position_embeddings=TOKENS, hidden_act=activation,
        bos_token_id=0, eos_token_id=2, pad_token_id=1,
    )


def vocabulary():
    """Words and merges of a byte-level BPE that knows the words above; `!` is the first of them, as in CLIP's."""
    words = [PAD_2, *LETTERS, PAD_2 + "</w>", *(letter + "</w>" for letter in LETTERS)]
    merges = []
    for word in WORDS:
        parts = [*word[:-1], word[-1] + "</w>"]
        while len(parts) > 1:
            if (pair := " ".join(parts[:2])) not in merges:
                merges.append(pair)
            parts = [parts[0] + parts[1], *parts[2:]]
            if parts[0] not in words:
                words.append(parts[0])
    words += [START, END]
    return {word: number for number, word in enumerate(words)}, merges


def write_tokenizer(folder, pad):
    """`vocab.json` and `merges.txt`, as Stable Diffusion XL was published."""
    folder.mkdir(parents=True)
    words, merges = vocabulary()
    (folder / "vocab.json").write_text(json.dumps(words))
    (folder / "merges.txt").write_text("\n".join(["#version: 0.2", *merges, ""]))
    special = dict(bos_token=START, eos_token=END, unk_token=END, pad_token=pad)
    (folder / "special_tokens_map.json").write_text(json.dumps(special))
    (folder / "tokenizer_config.json").write_text(
        json.dumps(special | dict(model_max_length=TOKENS, tokenizer_class="CLIPTokenizer", do_lower_case=True)))


@torch.no_grad()
def spread(module, gain):
    """Random weights with an effect: diffusers' are so small that every picture would be the same grey."""
    for name, weight in module.named_parameters():
        if weight.dim() > 1:
            weight.normal_(std=gain * weight[0].numel() ** -0.5)
        elif name.endswith("bias"):
            weight.normal_(std=0.1)


def parts():
    """Every model, in float32 with values that float16 holds."""
    torch.manual_seed(0)
    made = dict(
        unet=UNet2DConditionModel(**UNET),
        small=UNet2DConditionModel(**SMALL_UNET),
        vae=AutoencoderKL(**VAE),
        text_encoder=CLIPTextModel(text_config(WIDTHS[0], 2, 3, "quick_gelu")),
        text_encoder_2=CLIPTextModelWithProjection(text_config(WIDTHS[1], 2, 4, "gelu")),
    )
    for name, model in made.items():
        spread(model, 2.0 if name.startswith("text") else 1.0)
    # Pictures of full contrast.
    made["vae"].decoder.conv_out.weight.data *= 0.7
    return {name: model.half().float().eval().requires_grad_(False) for name, model in made.items()}


def write_diffusers(folder):
    """The pipeline as `save_pretrained` lays it out, and the small U-Net."""
    made = parts()
    for name in ("unet", "vae", "text_encoder", "text_encoder_2"):
        made[name].half().save_pretrained(folder / name)
        made[name].float()
    EulerDiscreteScheduler(**SCHEDULER).save_pretrained(folder / "scheduler")
    published = folder / "scheduler/scheduler_config.json"
    published.write_text(json.dumps(json.loads(published.read_text()) | dict(clip_sample=False, set_alpha_to_one=False), indent=2))
    write_tokenizer(folder / "tokenizer", END)
    write_tokenizer(folder / "tokenizer_2", PAD_2)
    (folder / "model_index.json").write_text(json.dumps(dict(
        _class_name="StableDiffusionXLPipeline", force_zeros_for_empty_prompt=True,
        text_encoder_2=["transformers", "CLIPTextModelWithProjection"])))
    return made


def pipeline(folder, small=False):
    """diffusers' own pipeline of the same weights."""
    made = write_diffusers(folder)
    tokenizers = [CLIPTokenizer.from_pretrained(folder / name) for name in ("tokenizer", "tokenizer_2")]
    found = StableDiffusionXLPipeline(
        made["vae"], made["text_encoder"], made["text_encoder_2"], *tokenizers, made["small" if small else "unet"],
        EulerDiscreteScheduler(**SCHEDULER), add_watermarker=False,
    )
    found.set_progress_bar_config(disable=True)
    return found


def slim(source, target):
    """Copies a graph with its weights inside and short names for what lies between inputs and outputs."""
    model = onnx.load(source)
    model.doc_string = ""
    graph = model.graph
    for entries in [model.metadata_props, graph.metadata_props, graph.value_info]:
        del entries[:]
    kept = {value.name for value in [*graph.input, *graph.output]}
    short = {}
    named = [name for node in graph.node for name in node.output] + [tensor.name for tensor in graph.initializer]
    for name in named:
        if name and name not in kept:
            short[name] = f"v{len(short)}"
    for node in graph.node:
        node.name, node.doc_string = "", ""
        del node.metadata_props[:]
        for names in (node.input, node.output):
            names[:] = [short.get(name, name) for name in names]
    for tensor in graph.initializer:
        tensor.name = short.get(tensor.name, tensor.name)
    for value in [*graph.initializer, *graph.input, *graph.output]:
        del value.metadata_props[:]
    target.parent.mkdir(exist_ok=True, parents=True)
    onnx.save(model, target)


def only_attention(weights):
    """Import reads no weights but those of the cross-attention."""
    save_file({name: tensor for name, tensor in load_file(weights).items() if ".attn2.to_" in name
               and not name.endswith(("to_q.weight", "to_out.0.weight", "to_out.0.bias"))}, weights)


def main():
    out = Path(sys.argv[1])
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    diffusers = out / "diffusers"
    made = write_diffusers(diffusers)
    unet = "diffusion_pytorch_model.safetensors"
    with tempfile.TemporaryDirectory() as work, torch.no_grad():
        exported = Path(work) / "onnx"
        export_all(diffusers, exported, "fused")
        for name in ("text_encoder", "text_encoder_2", "unet", "vae_decoder", "vae_encoder"):
            slim(exported / f"{name}.onnx", out / "onnx" / f"{name}.onnx")
        child = Path(work) / "child"
        shutil.copytree(diffusers, child)
        made["small"].half().save_pretrained(child / "unet")
        export_all(child, exported / "small", "fused")
        slim(exported / "small" / "unet.onnx", out / "small" / "unet.onnx")
        shutil.copytree(child / "unet", out / "small" / "unet")
    only_attention(diffusers / "unet" / unet)
    only_attention(out / "small/unet" / unet)
    for unneeded in ("text_encoder/model.safetensors", "text_encoder_2/model.safetensors", f"vae/{unet}"):
        (diffusers / unneeded).unlink()
    for path in out.rglob("*"):
        path.chmod(0o755 if path.is_dir() else 0o644)


if __name__ == "__main__":
    main()
