"""Exports a Stable Diffusion pipeline folder (diffusers) to ONNX, the ordinary way.

    python export_onnx.py DIFFUSERS_DIR OUT_DIR --dialect fused|plain|torchscript

| file              | inputs                                                     | output              |
|-------------------|------------------------------------------------------------|---------------------|
| text_encoder.onnx | input_ids int64 [batch, tokens]                            | last_hidden_state   |
| text_encoder_2.onnx | the same, for Stable Diffusion XL                        | text_embeds, and of both encoders then |
|                   |                                                            | last_hidden_state and each hidden_states.N |
| unet.onnx         | sample [batch, C, height, width], timestep [batch],        | out_sample          |
|                   | encoder_hidden_states [batch, tokens, hidden]; with a      |                     |
|                   | time_cond_proj_dim timestep_cond [batch, that many] too;   |                     |
|                   | of Stable Diffusion XL text_embeds, time_ids [batch, 6]    |                     |
| transformer.onnx  | of Sana, in the place of unet.onnx and without text encoders: |                 |
|                   | hidden_states, encoder_hidden_states, timestep [batch],    | out_sample          |
|                   | encoder_attention_mask int64 [batch, tokens]               |                     |
| vae_decoder.onnx  | latent [batch, C, height, width], divided by the scaling   | image, in -1..1     |
| vae_encoder.onnx  | image [batch, 3, height, width] in -1..1                   | latent: the mean of the posterior, before scaling |

Everything is float32, the timestep too: Euler's timesteps are fractions, and DDIM's whole numbers up to 1000 are exact.
`fused` is opset 23 with Attention, GroupNormalization and LayerNormalization as single nodes (CPU, CUDA); `plain` is opset 18
without the first two, for CoreML and NNAPI; `torchscript` is opset 17 from PyTorch's older exporter. The U-Net's weights lie
in files beside the graph. `cones import` reads all three. Sana is `plain` whatever is asked for: ONNX Runtime 1.31's Attention takes
no mask that is one for all queries.
"""
import argparse
import json
import logging
import shutil
import tempfile
import warnings
from pathlib import Path

import torch
from diffusers import AutoencoderDC, AutoencoderKL, AutoencoderTiny, SanaTransformer2DModel, UNet2DConditionModel
from diffusers.models.attention_processor import AttnProcessor2_0
from transformers import CLIPTextModel, CLIPTextModelWithProjection, CLIPTokenizer

OPSETS = {"fused": 23, "plain": 18, "torchscript": 17}


class TextEncoder(torch.nn.Module):
    """Token ids to the last hidden state."""

    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, input_ids):
        return self.model(input_ids=input_ids, return_dict=False)[0]


class TextEncoderXl(torch.nn.Module):
    """Token ids to all hidden states, as optimum exports Stable Diffusion XL's text encoders; of the second the pooled one first."""

    def __init__(self, model):
        super().__init__()
        self.model = model
        self.pooled = ["text_embeds"] if isinstance(model, CLIPTextModelWithProjection) else []
        states = range(model.config.num_hidden_layers + 1)
        self.outputs = [*self.pooled, "last_hidden_state", *(f"hidden_states.{i}" for i in states)]

    def forward(self, input_ids):
        given = self.model(input_ids=input_ids, output_hidden_states=True)
        return *(given[name] for name in self.pooled), given.last_hidden_state, *given.hidden_states


class UNet(torch.nn.Module):
    """One denoising step."""

    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, sample, timestep, encoder_hidden_states, timestep_cond=None, text_embeds=None, time_ids=None):
        added = None if text_embeds is None else dict(text_embeds=text_embeds, time_ids=time_ids)
        return self.model(sample, timestep, encoder_hidden_states, timestep_cond=timestep_cond, added_cond_kwargs=added,
                          return_dict=False)[0]


class SanaTransformer(torch.nn.Module):
    """One denoising step, with the inputs in optimum's order."""

    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, hidden_states, encoder_hidden_states, timestep, encoder_attention_mask):
        return self.model(hidden_states, encoder_hidden_states, timestep, encoder_attention_mask=encoder_attention_mask,
                          return_dict=False)[0]


class VaeDecoder(torch.nn.Module):
    """Unscaled latent to picture."""

    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, latent):
        return self.model.decode(latent, return_dict=False)[0]


class VaeEncoder(torch.nn.Module):
    """Picture to the mean of the latent's distribution; the variance is of no use on a device."""

    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, image):
        encoded = self.model.encode(image, return_dict=False)[0]
        # AutoencoderTiny and AutoencoderDC give the latent itself, not a distribution.
        return encoded if isinstance(encoded, torch.Tensor) else encoded.mode()


def export(module, name, inputs, dynamic, outputs, out, dialect):
    """Writes `out/name.onnx`. `inputs` is an ordered dict of example tensors, `dynamic` names their free dimensions."""
    path = out / f"{name}.onnx"
    module = module.eval().requires_grad_(False)
    common = dict(input_names=list(inputs), output_names=outputs, opset_version=OPSETS[dialect], external_data=True)
    if dialect == "torchscript":
        torch.onnx.export(module, (inputs,), path, dynamo=False,
                          dynamic_axes=dict(dynamic), **common)
    else:
        program = torch.onnx.export(module, kwargs=inputs, dynamo=True, dynamic_shapes=dynamic, verbose=False, **common)
        program.save(path, external_data=True)
    print(path)


def export_all(source, out, dialect):
    """Exports all graphs of the pipeline in `source`."""
    out.mkdir(parents=True, exist_ok=True)
    if (source / "transformer").is_dir():
        sana = SanaTransformer2DModel.from_pretrained(source / "transformer", torch_dtype=torch.float32)
        export_sana(sana, load_vae(source / "vae").float(), (sana.config.sample_size, sana.config.sample_size), out)
        return
    write_tokenizer(source / "tokenizer", out)
    kind = dict(torch_dtype=torch.float32)
    second = source / "text_encoder_2"
    text = CLIPTextModel.from_pretrained(source / "text_encoder", dtype=torch.float32)
    tokens, hidden = export_text(text, "text_encoder", second.is_dir(), out, dialect)
    del text
    if second.is_dir():
        text = CLIPTextModelWithProjection.from_pretrained(second, dtype=torch.float32)
        hidden += export_text(text, "text_encoder_2", True, out, dialect)[1]
        pooled = text.config.projection_dim
        del text

    unet = UNet2DConditionModel.from_pretrained(source / "unet", **kind)
    unet.set_attn_processor(AttnProcessor2_0())
    side = unet.config.sample_size
    inputs = dict(sample=torch.randn(2, unet.config.in_channels, side, side), timestep=torch.tensor([1.0, 2.0]),
                  encoder_hidden_states=torch.randn(2, tokens, hidden))
    picture = {0: "batch", 2: "height", 3: "width"}
    dynamic = dict(sample=picture, timestep={0: "batch"}, encoder_hidden_states={0: "batch", 1: "tokens"})
    # Latent consistency models take the guidance scale in an embedding.
    if told := unet.config.time_cond_proj_dim:
        inputs["timestep_cond"], dynamic["timestep_cond"] = torch.randn(2, told), {0: "batch"}
    if unet.config.addition_embed_type == "text_time":
        inputs["text_embeds"], dynamic["text_embeds"] = torch.randn(2, pooled), {0: "batch"}
        inputs["time_ids"], dynamic["time_ids"] = torch.randn(2, 6), {0: "batch"}
    export(UNet(unet), "unet", inputs, dynamic, ["out_sample"], out, dialect)
    del unet

    vae = load_vae(source / "vae").float()
    latent = torch.randn(2, vae.config.latent_channels, side, side)
    export(VaeDecoder(vae), "vae_decoder", dict(latent=latent), dict(latent=picture), ["image"], out, dialect)
    pixels = 8 * side
    image = torch.rand(2, vae.config.in_channels, pixels, pixels) * 2 - 1
    export(VaeEncoder(vae), "vae_encoder", dict(image=image), dict(image=picture), ["latent"], out, dialect)


def export_sana(transformer, vae, latent, out):
    """Exports Sana's transformer and both halves of its VAE; `latent` is height and width of the example."""
    height, width = latent
    channels, hidden = transformer.config.in_channels, transformer.config.caption_channels
    # Two of everything that is to stay free: exporters take a size of one for a constant.
    inputs = dict(hidden_states=torch.randn(2, channels, height, width), encoder_hidden_states=torch.randn(2, 11, hidden),
                  timestep=torch.tensor([999.0, 500.0]), encoder_attention_mask=torch.ones(2, 11, dtype=torch.int64))
    # Of names, as `export` takes them, the exporter would not know that the batch of the text is that of the picture.
    batch, tall, wide, tokens = (torch.export.Dim(name) for name in ("batch", "height", "width", "tokens"))
    text = {0: batch, 1: tokens}
    dynamic = dict(hidden_states={0: batch, 2: tall, 3: wide}, encoder_hidden_states=text, timestep={0: batch}, encoder_attention_mask=text)
    module = SanaTransformer(transformer).eval().requires_grad_(False)
    program = torch.export.export(module, (), inputs, dynamic_shapes=dynamic, strict=False)
    graph = torch.onnx.export(program, kwargs=inputs, dynamo=True, dynamic_shapes=dynamic, verbose=False, input_names=list(inputs),
                              output_names=["out_sample"], opset_version=OPSETS["plain"], external_data=True)
    graph.save(out / "transformer.onnx", external_data=True)
    print(out / "transformer.onnx")
    factor, picture = vae.spatial_compression_ratio, {0: "batch", 2: "height", 3: "width"}
    latents = torch.randn(2, channels, height, width)
    export(VaeDecoder(vae), "vae_decoder", dict(latent=latents), dict(latent=picture), ["image"], out, "plain")
    image = torch.rand(2, 3, factor * height, factor * width) * 2 - 1
    export(VaeEncoder(vae), "vae_encoder", dict(image=image), dict(image=picture), ["latent"], out, "plain")


def export_text(text, name, is_xl, out, dialect):
    """Exports a text encoder. Returns the tokens that it takes and the width of what it gives."""
    # Two of everything that is to stay free: exporters take a size of one for a constant.
    tokens = text.config.max_position_embeddings
    ids = torch.randint(0, text.config.vocab_size, (2, tokens))
    module = TextEncoderXl(text) if is_xl else TextEncoder(text)
    outputs = module.outputs if is_xl else ["last_hidden_state"]
    export(module, name, dict(input_ids=ids), dict(input_ids={0: "batch"}), outputs, out, dialect)
    return tokens, text.config.hidden_size


def load_vae(folder):
    """The VAE of the class that its configuration names."""
    kind = json.loads((folder / "config.json").read_text()).get("_class_name")
    return {"AutoencoderTiny": AutoencoderTiny, "AutoencoderDC": AutoencoderDC}.get(kind, AutoencoderKL).from_pretrained(folder)


def write_tokenizer(source, out):
    """Older pipelines have `vocab.json` and `merges.txt` only; `cones import` wants `tokenizer.json`, and finds it here."""
    if (source / "tokenizer.json").is_file() or not source.is_dir():
        return
    with tempfile.TemporaryDirectory() as work:
        CLIPTokenizer.from_pretrained(source).save_pretrained(work)
        shutil.copyfile(Path(work) / "tokenizer.json", out / "tokenizer.json")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("source", type=Path, metavar="DIFFUSERS_DIR")
    parser.add_argument("out", type=Path, metavar="OUT_DIR")
    parser.add_argument("--dialect", choices=OPSETS, default="fused")
    args = parser.parse_args()
    warnings.filterwarnings("ignore", category=DeprecationWarning)
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    with torch.no_grad():
        export_all(args.source, args.out, args.dialect)


if __name__ == "__main__":
    main()
