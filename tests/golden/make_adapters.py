"""Golden vectors of learned words and LoRAs: what files as people share them do in diffusers.

    python make_adapters.py [--pipeline DIR]    # writes adapters/: the files, and what diffusers makes of them

| file                       | what                                                                                   |
|----------------------------|----------------------------------------------------------------------------------------|
| learned_embeds.safetensors | a word of three vectors, as diffusers' script for Textual Inversion saves it           |
| emb_params.safetensors     | a word of one vector, as AUTOMATIC1111's web UI saves it                               |
| peft.safetensors           | a LoRA of keys and values in PEFT's names                                              |
| kohya.safetensors          | the same matrices in Kohya's names, with an alpha of half the rank                     |
| expected.safetensors       | hidden states of prompts with the words; keys and values of the first and last layer   |
| pictures.png               | base, with the word, with the LoRA at 0.75, with Kohya's                               |
| tiny-*.safetensors         | all weights of `tests/fixtures/import`, a LoRA of its linear layers and convolutions   |
|                            | and of its text encoder in Kohya's names, and the outputs with it fused at 0.5         |
"""

import json
import sys
import tempfile
from pathlib import Path

import torch
from diffusers import DDIMScheduler, StableDiffusionPipeline
from PIL import Image
from safetensors.torch import load_file, save_file
from transformers import CLIPTextModel

from toybox import HERE, fingerprint, load_pipeline, pipeline_folder, projections

sys.path.insert(0, str(HERE.parents[1] / "models/export"))
OUT = HERE / "adapters"
WORD, OTHER = "<cat-toy>", "easyNegative"
PROMPTS = [
    f"a {WORD}, on grass",
    f"a dog and a {WORD.upper()} and a {WORD}",
    "a dog at night (easynegative) and an apple",
]
DRAWN = {"prompt": PROMPTS[0], "negative_prompt": "easynegative", "seed": 5, "steps": 12, "guidance": 4.0}
PLAIN = {"prompt": "a dog and an apple on grass", "negative_prompt": "", "seed": 5, "steps": 12, "guidance": 4.0}
RANK, SCALE, TINY_SCALE = 4, 0.75, 0.5


def draw(pipeline, request: dict) -> Image.Image:
    return pipeline(
        prompt=request["prompt"],
        negative_prompt=request["negative_prompt"],
        generator=torch.Generator().manual_seed(request["seed"]),
        num_inference_steps=request["steps"],
        guidance_scale=request["guidance"],
    ).images[0]


def hidden_states(pipeline, prompt: str) -> torch.Tensor:
    return pipeline.encode_prompt(prompt, "cpu", 1, False)[0][0].contiguous()


def words(pipeline, expected: dict) -> Image.Image:
    """Vectors as large as the encoder's own, of no word that it has."""
    table = pipeline.text_encoder.get_input_embeddings().weight
    generator = torch.Generator().manual_seed(3)
    vectors = torch.randn(4, table.shape[1], generator=generator) * table.std()
    save_file({WORD: vectors[:3].contiguous()}, OUT / "learned_embeds.safetensors")
    save_file({"emb_params": vectors[3:].contiguous()}, OUT / "emb_params.safetensors")
    pipeline.load_textual_inversion(OUT / "learned_embeds.safetensors")
    pipeline.load_textual_inversion(OUT / "emb_params.safetensors", token=OTHER.lower())
    # diffusers finds words in their own case alone.
    for number, prompt in enumerate(PROMPTS):
        expected[f"hidden.{number}"] = hidden_states(pipeline, prompt.replace(WORD.upper(), WORD))
    picture = draw(pipeline, DRAWN)
    pipeline.unload_textual_inversion()
    return picture


def lora(pipeline) -> None:
    generator = torch.Generator().manual_seed(4)
    peft, kohya = {}, {}
    for name, weight in projections(pipeline.unet):
        rows, columns = weight.shape
        down = (torch.randn(RANK, columns, generator=generator) / columns**0.5).half()
        up = (torch.randn(rows, RANK, generator=generator) * weight.std() * 4).half()
        peft |= {f"unet.{name}.lora_A.weight": down, f"unet.{name}.lora_B.weight": up}
        flat = "lora_unet_" + name.replace(".", "_")
        kohya |= {f"{flat}.lora_down.weight": down.clone(), f"{flat}.lora_up.weight": up.clone()}
        kohya[f"{flat}.alpha"] = torch.tensor(RANK / 2)
    save_file(peft, OUT / "peft.safetensors")
    save_file(kohya, OUT / "kohya.safetensors")


def with_lora(pipeline, file: str, scale: float, expected: dict) -> Image.Image:
    pipeline.load_lora_weights(OUT, weight_name=file, adapter_name="it")
    pipeline.set_adapters("it", scale)
    text = hidden_states(pipeline, PLAIN["prompt"])
    layers = [name for name, _ in projections(pipeline.unet)]
    for name in (layers[0], layers[-1]):
        expected[f"{file.split('.')[0]}.{name}"] = pipeline.unet.get_submodule(name)(text[None])[0].contiguous()
    picture = draw(pipeline, PLAIN)
    pipeline.unload_lora_weights()
    return picture


def save_sheet(pictures: list[Image.Image]) -> None:
    width, height = pictures[0].size
    sheet = Image.new("RGB", (width * len(pictures), height))
    for x, picture in enumerate(pictures):
        sheet.paste(picture, (x * width, 0))
    sheet.save(OUT / "pictures.png", optimize=True)


def tiny(pipeline) -> None:
    """The pipeline of the import fixtures, whose weights are drawn by a seed."""
    from diffusers import AutoencoderKL, UNet2DConditionModel
    from make_import_fixtures import TOKENS, write_diffusers

    fixtures = HERE.parent / "fixtures/import"
    with tempfile.TemporaryDirectory() as work:
        folder = Path(work)
        write_diffusers(folder)
        for part, file in (("unet", "diffusion_pytorch_model"), ("text_encoder", "model")):
            weights = load_file(folder / part / f"{file}.safetensors")
            save_file(weights, OUT / f"tiny-{part.split('_')[0]}.safetensors")
        kept = load_file(fixtures / "diffusers/unet/diffusion_pytorch_model.safetensors")
        drawn = load_file(OUT / "tiny-unet.safetensors")
        assert all(torch.equal(drawn[name], tensor) for name, tensor in kept.items()), "other weights than the fixtures'"
        text_encoder = CLIPTextModel.from_pretrained(folder / "text_encoder", dtype=torch.float32)
        unet = UNet2DConditionModel.from_pretrained(folder / "unet", torch_dtype=torch.float32)
        vae = AutoencoderKL.from_pretrained(folder / "vae", torch_dtype=torch.float32)
    small = StableDiffusionPipeline(
        vae, text_encoder, pipeline.tokenizer, unet, DDIMScheduler(), None, None, requires_safety_checker=False
    )
    generator = torch.Generator().manual_seed(6)
    tensors = {}
    chosen = [("unet", name, module) for name, module in unet.named_modules()]
    chosen += [("te", name, module) for name, module in text_encoder.named_modules()]
    for part, name, module in chosen:
        if not isinstance(module, torch.nn.Linear | torch.nn.Conv2d) or name in ("conv_in", "conv_out"):
            continue
        # As LoCons have it: no embedding of the time.
        if name.startswith("time_embedding"):
            continue
        own = name if part == "unet" or name.startswith("text_model.") else f"text_model.{name}"
        flat = f"lora_{part}_" + own.replace(".", "_")
        weight = module.weight
        down = torch.randn(2, *weight.shape[1:], generator=generator) / weight[0].numel() ** 0.5
        up = torch.randn(weight.shape[0], 2, *[1] * (weight.dim() - 2), generator=generator) * weight.std()
        tensors |= {f"{flat}.lora_down.weight": down, f"{flat}.lora_up.weight": up}
        tensors[f"{flat}.alpha"] = torch.tensor(1.0)
    save_file(tensors, OUT / "tiny-lora.safetensors")
    small.load_lora_weights(OUT, weight_name="tiny-lora.safetensors")
    small.fuse_lora(lora_scale=TINY_SCALE)
    golden = load_file(fixtures / "golden.safetensors")
    inputs = {name: golden[name] for name in ("sample", "timestep", "encoder_hidden_states")}
    ids = torch.arange(TOKENS)[None] % 6
    expected = {
        "out_sample": small.unet(**inputs).sample.contiguous(),
        "input_ids": ids,
        "last_hidden_state": small.text_encoder(ids)[0].contiguous(),
    }
    save_file(expected, OUT / "tiny-expected.safetensors")


@torch.no_grad()
def main() -> None:
    OUT.mkdir(exist_ok=True)
    pipeline = load_pipeline(pipeline_folder(__doc__))
    pipeline.scheduler = DDIMScheduler.from_config(pipeline.scheduler.config)
    expected: dict = {}
    pictures = [draw(pipeline, PLAIN), words(pipeline, expected)]
    lora(pipeline)
    pictures += [with_lora(pipeline, "peft.safetensors", SCALE, expected), with_lora(pipeline, "kohya.safetensors", 1.0, expected)]
    save_sheet(pictures)
    save_file(expected, OUT / "expected.safetensors")
    parameters = {
        "fingerprint": fingerprint(pipeline.unet),
        "words": {"learned_embeds": WORD, "emb_params": OTHER},
        "prompts": PROMPTS,
        "drawn": DRAWN,
        "plain": PLAIN,
        "scale": SCALE,
        "tiny_scale": TINY_SCALE,
    }
    (OUT / "adapters.json").write_text(json.dumps(parameters, indent=1) + "\n")
    tiny(pipeline)
    for file in sorted(OUT.iterdir()):
        print(f"{file.name}: {file.stat().st_size} bytes")


if __name__ == "__main__":
    main()
