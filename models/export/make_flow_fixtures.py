"""Makes `tests/fixtures/flow`: models that are told velocities of a flow and take text embeddings from outside, of random weights.

    python make_flow_fixtures.py ../../tests/fixtures/flow

    sana/diffusers/       configurations of a SanaPipeline without text encoder and tokenizer, of the transformer what text passes
                          through; `scheduler_dpm` is the released Sana's scheduler beside Euler's
    sana/onnx/            transformer.onnx, vae_decoder.onnx, vae_encoder.onnx; batch, height, width and tokens are free
    dreamlite/diffusers/  the same of a DreamLiteMobilePipeline
    dreamlite/onnx/       unet.onnx, vae_decoder.onnx, vae_encoder.onnx; every size is fixed, as DreamLite's own script for phones makes it

As in the released ones, Sana's keys and values have biases and no norm, and attention to itself has other heads than that to text;
DreamLite has one head of keys and values for several of queries, norms of queries and keys, and no attention to itself in the outer
levels. Its picture is not square, so that height and width cannot be mistaken for one another.

Linear attention divides by a sum that is zero where no channel of a query is positive; the 1e-15 that diffusers adds is lost in export
(onnxscript takes it for zero). Heads are as wide as the released ones', 32, and so that does not happen.
"""

import json
import shutil
import sys
import tempfile
from pathlib import Path

import torch
from diffusers import (
    AutoencoderDC,
    AutoencoderTiny,
    DPMSolverMultistepScheduler,
    DreamLiteUNetModel,
    FlowMatchEulerDiscreteScheduler,
    SanaPipeline,
    SanaTransformer2DModel,
)
from safetensors.torch import load_file, save_file

from export_onnx import VaeDecoder, VaeEncoder, export, export_sana
from make_sdxl_fixtures import slim

SEED = 4
WEIGHTS = "diffusion_pytorch_model.safetensors"
SANA = dict(
    in_channels=4, out_channels=4, num_layers=2, num_attention_heads=1, attention_head_dim=32, num_cross_attention_heads=2,
    cross_attention_head_dim=16, cross_attention_dim=32, caption_channels=24, sample_size=8, patch_size=1,
)
SANA_VAE = dict(
    latent_channels=4, attention_head_dim=32, encoder_block_types=("ResBlock", "ResBlock", "EfficientViTBlock"),
    decoder_block_types=("ResBlock", "ResBlock", "EfficientViTBlock"), encoder_block_out_channels=(8, 8, 32),
    decoder_block_out_channels=(8, 8, 32), encoder_layers_per_block=(1, 1, 1), decoder_layers_per_block=(1, 1, 1),
    encoder_qkv_multiscales=((), (), (5,)), decoder_qkv_multiscales=((), (), (5,)), upsample_block_type="interpolate",
    downsample_block_type="Conv", scaling_factor=0.41407,
)
SANA_EULER = dict(shift=3.0)
SANA_DPM = dict(use_flow_sigmas=True, prediction_type="flow_prediction", flow_shift=3.0)
# Latent sizes of the exports' examples, the second one DreamLite's only size.
SANA_LATENT, DREAMLITE_LATENT = (8, 10), (8, 12)
DREAMLITE_TOKENS = 16
DREAMLITE = dict(
    sample_size=8, in_channels=4, out_channels=4, block_out_channels=(8, 16, 16), layers_per_block=1, norm_num_groups=4,
    down_block_types=("CrossAttnDownRemoveSelfAttnBlock2D", "CrossAttnDownRemoveSelfAttnBlock2D", "CrossAttnDownBlock2D"),
    mid_block_type="UNetMidBlock2DCrossAttn",
    up_block_types=("CrossAttnUpBlock2D", "CrossAttnUpRemoveSelfAttnBlock2DV1", "UpBlock2D"),
    transformer_layers_per_block=(1, 1, 2), attention_head_dim=(2, 4, 4), use_linear_projection=True, encoder_hid_dim=20,
    encoder_hid_dim_type="text_proj_rms", cross_attention_dim=24, addition_embed_type="time", addition_time_embed_dim=8,
    projection_class_embeddings_input_dim=16, qk_norm="rms_norm", num_kv_heads=1, use_sep_conv=True, ff_mult=3, upcast_attention=None,
)
DREAMLITE_VAE = dict(
    latent_channels=4, encoder_block_out_channels=(4, 4, 4), decoder_block_out_channels=(4, 4, 4), num_encoder_blocks=(1, 1, 1),
    num_decoder_blocks=(1, 1, 1), scaling_factor=1.0, shift_factor=0.0,
)
DREAMLITE_EULER = dict(
    use_dynamic_shifting=True, base_shift=0.5, max_shift=1.16, base_image_seq_len=256, max_image_seq_len=4096
)


@torch.no_grad()
def spread(module, gain):
    """Random weights with an effect, norms' too: what leaves out a norm's weight or a bias shall be seen."""
    for name, weight in module.named_parameters():
        if weight.dim() > 1:
            weight.normal_(std=gain * weight[0].numel() ** -0.5)
        elif name.endswith("bias"):
            weight.normal_(std=0.2)
        else:
            weight.normal_(mean=1.0, std=0.3)


def parts():
    """Every model, in float32 with values that float16 holds."""
    kinds = dict(sana=(SanaTransformer2DModel, SANA), sana_vae=(AutoencoderDC, SANA_VAE),
                 dreamlite=(DreamLiteUNetModel, DREAMLITE), dreamlite_vae=(AutoencoderTiny, DREAMLITE_VAE))
    made = {}
    for name, (kind, config) in kinds.items():
        # One kind's weights stay what they are when another's configuration changes.
        torch.manual_seed(SEED)
        model = kind(**config)
        spread(model, 1.0)
        made[name] = model.eval().requires_grad_(False)
    # Pictures of full contrast: this decoder's are of 0 to 1 inside.
    last = made["dreamlite_vae"].decoder.layers[-1]
    last.weight *= 0.5
    last.bias.fill_(0.5)
    return {name: model.half().float() for name, model in made.items()}


class DreamLiteUNet(torch.nn.Module):
    """One denoising step: the picture and, right of it, what it is made from."""

    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, sample, timestep, encoder_hidden_states, encoder_attention_mask, time_ids):
        return self.model(sample, timestep, encoder_hidden_states, encoder_attention_mask=encoder_attention_mask,
                          added_cond_kwargs=dict(time_ids=time_ids), return_dict=False)[0]


class PlainAttention:
    """Attention of products and softmax, keys and values repeated for every head of the queries, as NPU compilers want it."""

    def __call__(self, attn, hidden_states, encoder_hidden_states=None, attention_mask=None, temb=None):
        text = hidden_states if encoder_hidden_states is None else encoder_hidden_states
        batch, width = hidden_states.shape[0], attn.inner_dim // attn.heads

        def heads(projected):
            return projected.view(batch, -1, projected.shape[-1] // width, width).transpose(1, 2)

        query, key, value = heads(attn.to_q(hidden_states)), heads(attn.to_k(text)), heads(attn.to_v(text))
        query, key = attn.norm_q(query), attn.norm_k(key)
        times = query.shape[1] // key.shape[1]
        key, value = key.repeat(1, times, 1, 1), value.repeat(1, times, 1, 1)
        scores = query @ key.transpose(-1, -2) * attn.scale
        if attention_mask is not None:
            mask = attn.prepare_attention_mask(attention_mask, text.shape[1], batch)
            scores = scores + mask.view(batch, attn.heads, -1, mask.shape[-1])
        mixed = (scores.softmax(-1) @ value).transpose(1, 2).reshape(batch, -1, attn.inner_dim)
        return attn.to_out[0](mixed)


def only_text(weights):
    """Import reads no weights but those that text embeddings pass through."""
    wanted = ("attn2.to_k.", "attn2.to_v.", "attn2.norm_k.", "caption_projection.", "caption_norm.", "encoder_hid_proj.")
    save_file({name: tensor for name, tensor in load_file(weights).items() if any(part in name for part in wanted)}, weights)


def write(folder, index, model, kind, vae, schedulers):
    """A pipeline as `save_pretrained` lays it out, without text encoder and tokenizer."""
    model.half().save_pretrained(folder / kind)
    model.float()
    vae.save_pretrained(folder / "vae")
    (folder / "vae" / WEIGHTS).unlink()
    only_text(folder / kind / WEIGHTS)
    for name, scheduler in schedulers.items():
        scheduler.save_pretrained(folder / name)
    (folder / "model_index.json").write_text(json.dumps(index, indent=2) + "\n")


def write_sana(folder, made):
    index = dict(
        _class_name="SanaPipeline", scheduler=["diffusers", "FlowMatchEulerDiscreteScheduler"],
        text_encoder=["transformers", "Gemma2Model"], tokenizer=["transformers", "GemmaTokenizerFast"],
        transformer=["diffusers", "SanaTransformer2DModel"], vae=["diffusers", "AutoencoderDC"],
    )
    schedulers = dict(scheduler=FlowMatchEulerDiscreteScheduler(**SANA_EULER),
                      scheduler_dpm=DPMSolverMultistepScheduler(**SANA_DPM))
    write(folder, index, made["sana"], "transformer", made["sana_vae"], schedulers)


def write_dreamlite(folder, made):
    index = dict(
        _class_name="DreamLiteMobilePipeline", processor=["transformers", "Qwen3VLProcessor"],
        scheduler=["diffusers", "FlowMatchEulerDiscreteScheduler"],
        text_encoder=["transformers", "Qwen3VLForConditionalGeneration"], tokenizer=["transformers", "Qwen2TokenizerFast"],
        unet=["diffusers", "DreamLiteUNetModel"], vae=["diffusers", "AutoencoderTiny"],
    )
    write(folder, index, made["dreamlite"], "unet", made["dreamlite_vae"],
          dict(scheduler=FlowMatchEulerDiscreteScheduler(**DREAMLITE_EULER)))


def export_dreamlite(out, made):
    unet, vae = made["dreamlite"], made["dreamlite_vae"]
    height, width = DREAMLITE_LATENT
    factor = 2 ** (len(vae.config.encoder_block_out_channels) - 1)
    kept = unet.attn_processors
    unet.set_attn_processor(PlainAttention())
    inputs = dict(
        sample=torch.randn(1, 4, height, 2 * width), timestep=torch.tensor([500.0]),
        encoder_hidden_states=torch.randn(1, DREAMLITE_TOKENS, DREAMLITE["encoder_hid_dim"]),
        encoder_attention_mask=torch.ones(1, DREAMLITE_TOKENS),
        time_ids=torch.tensor([[float(factor * width), float(factor * height)]]),
    )
    export(DreamLiteUNet(unet), "unet", inputs, {}, ["noise_pred"], out, "torchscript")
    unet.set_attn_processor(kept)
    export(VaeDecoder(vae), "vae_decoder", dict(latent=torch.randn(1, 4, height, width)), {}, ["image"], out, "torchscript")
    image = torch.rand(1, 3, factor * height, factor * width) * 2 - 1
    export(VaeEncoder(vae), "vae_encoder", dict(image=image), {}, ["latent"], out, "torchscript")


def sana_pipeline(made, scheduler):
    """diffusers' own pipeline of the same weights."""
    found = SanaPipeline(None, None, made["sana_vae"], made["sana"], scheduler)
    found.set_progress_bar_config(disable=True)
    return found


def main():
    out = Path(sys.argv[1])
    shutil.rmtree(out, ignore_errors=True)
    made = parts()
    write_sana(out / "sana/diffusers", made)
    write_dreamlite(out / "dreamlite/diffusers", made)
    with tempfile.TemporaryDirectory() as work, torch.no_grad():
        for kind in ["sana", "dreamlite"]:
            (exported := Path(work) / kind).mkdir()
            if kind == "sana":
                export_sana(made["sana"], made["sana_vae"], SANA_LATENT, exported)
            else:
                export_dreamlite(exported, made)
            for graph in exported.glob("*.onnx"):
                slim(graph, out / kind / "onnx" / graph.name)
    for path in out.rglob("*"):
        path.chmod(0o755 if path.is_dir() else 0o644)


if __name__ == "__main__":
    main()
