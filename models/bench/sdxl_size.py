"""Writes an export of Stable Diffusion XL's or SSD-1B's true sizes, for the memory plan: `cones import` and `cones inspect` of it.

    python sdxl_size.py OUT [--small]
    cones import --onnx OUT/onnx --weights OUT/diffusers --out OUT/bundle
    cones inspect OUT/bundle

Memory depends on shapes alone, so weights are zeros that take no room, in memory as in files, which are full of holes; the
cross-attention's are random, for import tells layers by their values. What it draws is nothing.
"""

import argparse
import json
import sys
from pathlib import Path

import numpy
import onnx_ir
import torch
from diffusers import AutoencoderKL, EulerDiscreteScheduler, UNet2DConditionModel
from diffusers.models.attention_processor import AttnProcessor2_0
from safetensors.numpy import save_file
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "export"))
import export_onnx as ours  # noqa: E402

# As their configurations are published.
UNET = dict(
    sample_size=128, block_out_channels=(320, 640, 1280), layers_per_block=2, cross_attention_dim=2048,
    down_block_types=("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
    up_block_types=("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"), attention_head_dim=(5, 10, 20),
    transformer_layers_per_block=(1, 2, 10), use_linear_projection=True, addition_embed_type="text_time",
    addition_time_embed_dim=256, projection_class_embeddings_input_dim=2816,
)
SMALL = UNET | dict(
    transformer_layers_per_block=((0, 0), (2, 2), (4, 4)), mid_block_type="UNetMidBlock2D",
    reverse_transformer_layers_per_block=((4, 4, 10), (2, 1, 1), (0, 0, 0)),
)
VAE = dict(
    block_out_channels=(128, 256, 512, 512), layers_per_block=2, latent_channels=4, sample_size=1024, scaling_factor=0.13025,
    down_block_types=("DownEncoderBlock2D",) * 4, up_block_types=("UpDecoderBlock2D",) * 4,
)
TEXT = dict(vocab_size=49408, max_position_embeddings=77, bos_token_id=0, eos_token_id=2, pad_token_id=1)
FIRST = CLIPTextConfig(hidden_size=768, intermediate_size=3072, num_hidden_layers=12, num_attention_heads=12,
                       projection_dim=768, hidden_act="quick_gelu", **TEXT)
SECOND = CLIPTextConfig(hidden_size=1280, intermediate_size=5120, num_hidden_layers=32, num_attention_heads=20,
                        projection_dim=1280, hidden_act="gelu", **TEXT)
PAGE = 4096
LARGE = 1 << 16


def empty(make):
    """A model whose weights are memory that nobody has written to, but for small ones and the cross-attention's."""
    with torch.device("meta"):
        model = make()
    model = model.to_empty(device="cpu").eval().requires_grad_(False)
    for number, (name, weight) in enumerate(model.named_parameters()):
        if ".attn2.to_k." in name or ".attn2.to_v." in name:
            made = numpy.random.default_rng(number).standard_normal(weight.shape, dtype="float32").astype("float16")
            weight.copy_(torch.from_numpy(made))
        elif weight.numel() < LARGE:
            weight.zero_()
    for name, buffer in model.named_buffers():
        buffer.copy_(torch.arange(buffer.numel()).reshape(buffer.shape) if name.endswith("position_ids") else torch.zeros_like(buffer))
    return model


def export(module, name, inputs, dynamic, outputs, out):
    """The graph with the dialect `fused`, its large weights in a file of holes but for the cross-attention's."""
    program = torch.onnx.export(module.eval(), kwargs=inputs, dynamo=True, dynamic_shapes=dynamic, verbose=False,
                                input_names=list(inputs), output_names=outputs, opset_version=ours.OPSETS["fused"],
                                external_data=True)
    weights, end = out / f"{name}.onnx.data", 0
    with weights.open("wb") as file:
        for tensor in program.model.graph.initializers.values():
            value, shape = tensor.const_value, tuple(tensor.const_value.shape)
            count = int(numpy.prod(shape))
            if count < LARGE or value.dtype != onnx_ir.DataType.FLOAT:
                continue
            if ".attn2." in tensor.name or tensor.name.startswith("val_") and shape[0] == 2048:
                values = value.numpy()
                if values.any():
                    file.seek(end)
                    values.tofile(file)
            tensor.const_value = onnx_ir.ExternalTensor(
                weights.name, end, 4 * count, onnx_ir.DataType.FLOAT, shape=onnx_ir.Shape(shape), name=tensor.name, base_dir=out)
            end = -(-(end + 4 * count) // PAGE) * PAGE
        file.truncate(end)
    onnx_ir.save(program.model, out / f"{name}.onnx")
    print(f"{name}: {end / 1e9:.2f} GB, {weights.stat().st_blocks * 512 / 1e9:.2f} GB of it on the disk", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("--small", action="store_true", help="SSD-1B in the place of Stable Diffusion XL")
    args = parser.parse_args()
    onnx, folder = args.out / "onnx", args.out / "diffusers"
    onnx.mkdir(parents=True)
    picture, batch = {0: "batch", 2: "height", 3: "width"}, {0: "batch"}
    with torch.no_grad():
        for name, make in (("text_encoder", lambda: CLIPTextModel(FIRST)), ("text_encoder_2", lambda: CLIPTextModelWithProjection(SECOND))):
            module = ours.TextEncoderXl(empty(make))
            ids = dict(input_ids=torch.randint(0, 100, (2, 77)))
            export(module, name, ids, dict(input_ids=batch), module.outputs, onnx)
        vae = empty(lambda: AutoencoderKL(**VAE))
        latent = torch.zeros(2, 4, 32, 32)
        export(ours.VaeDecoder(vae), "vae_decoder", dict(latent=latent), dict(latent=picture), ["image"], onnx)
        export(ours.VaeEncoder(vae), "vae_encoder", dict(image=torch.zeros(2, 3, 256, 256)), dict(image=picture), ["latent"], onnx)
        unet = empty(lambda: UNet2DConditionModel(**(SMALL if args.small else UNET)))
        unet.set_attn_processor(AttnProcessor2_0())
        print(f"U-Net: {sum(p.numel() for p in unet.parameters()) / 1e6:.0f} million", flush=True)
        inputs = dict(sample=latent, timestep=torch.tensor([1.0, 2.0]), encoder_hidden_states=torch.zeros(2, 77, 2048),
                      text_embeds=torch.zeros(2, 1280), time_ids=torch.zeros(2, 6))
        dynamic = dict(sample=picture, timestep=batch, encoder_hidden_states={0: "batch", 1: "tokens"}, text_embeds=batch, time_ids=batch)
        export(ours.UNet(unet), "unet", inputs, dynamic, ["out_sample"], onnx)
        kept = {name: weight.half().numpy() for name, weight in unet.named_parameters()
                if name.endswith((".attn2.to_k.weight", ".attn2.to_v.weight"))}
    for name, part in [("unet", unet), ("vae", vae)]:
        part.save_config(folder / name)
    for name, config in [("text_encoder", FIRST), ("text_encoder_2", SECOND)]:
        config.save_pretrained(folder / name)
    save_file(kept, folder / "unet/diffusion_pytorch_model.safetensors")
    EulerDiscreteScheduler(beta_schedule="scaled_linear", beta_start=0.00085, beta_end=0.012, steps_offset=1,
                           timestep_spacing="leading").save_pretrained(folder / "scheduler")
    write_tokenizers(folder)


def write_tokenizers(folder):
    """As little as import reads: the numbers of the special tokens."""
    words = {"!": 0, **{f"w{n}": n for n in range(1, 49406)}, "<|startoftext|>": 49406, "<|endoftext|>": 49407}
    for name, pad in (("tokenizer", "<|endoftext|>"), ("tokenizer_2", "!")):
        place = folder / name
        place.mkdir(parents=True)
        (place / "vocab.json").write_text(json.dumps(words))
        (place / "merges.txt").write_text("#version: 0.2\n")
        (place / "tokenizer_config.json").write_text(json.dumps(dict(
            bos_token="<|startoftext|>", eos_token="<|endoftext|>", unk_token="<|endoftext|>", pad_token=pad, model_max_length=77)))


if __name__ == "__main__":
    main()
