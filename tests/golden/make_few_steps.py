"""Golden pictures of few steps, of zero-terminal SNR and of a U-Net that is told of the guidance scale: diffusers' pipelines on the CPU in
float32, with Toybox's weights.

    python make_few_steps.py [--pipeline DIR]  # writes few_steps/few_steps.json, few_steps.png (one cell a case), merged.png

The last cases have a U-Net with `time_cond_proj_dim`, whose further weights are random; `guidance_scale` goes in as an embedding then.
`embedding` in the JSON is `get_guidance_scale_embedding` itself. `merged.png` is what LCM-LoRA is drawn as: the tiny pipeline of the
import fixtures with the LoRA of `make_adapters.py` (Kohya's names, linear layers and convolutions) fused, LCMScheduler, no guidance.
"""

import json
import sys
import tempfile
from pathlib import Path

import torch
from diffusers import (
    AutoencoderKL,
    DDIMScheduler,
    DPMSolverMultistepScheduler,
    EulerAncestralDiscreteScheduler,
    EulerDiscreteScheduler,
    LatentConsistencyModelPipeline,
    LCMScheduler,
    StableDiffusionPipeline,
    TCDScheduler,
    UNet2DConditionModel,
)
from PIL import Image
from transformers import CLIPTextModel

from make_adapters import OUT as ADAPTERS
from make_adapters import TINY_SCALE
from make_pictures import PROMPTS
from toybox import HERE, fingerprint, load_pipeline, pipeline_folder, splitmix64

sys.path.insert(0, str(HERE.parents[1] / "models/export"))
OUT = HERE / "few_steps"
KINDS = {
    "ddim": DDIMScheduler,
    "dpm++2m": DPMSolverMultistepScheduler,
    "euler": EulerDiscreteScheduler,
    "euler-a": EulerAncestralDiscreteScheduler,
    "lcm": LCMScheduler,
    "tcd": TCDScheduler,
}
ZERO = {"rescale_betas_zero_snr": True}
LEADING = {"timestep_spacing": "leading"}
EPSILON = {"prediction_type": "epsilon"}
# Toybox predicts velocities, on timesteps counted from the end.
# (scheduler, its configuration, index of the prompt, steps, guidance, guidance_rescale, eta)
CASES = [
    ("tcd", {}, 0, 4, 4.0, None, 0.3),
    ("tcd", {}, 1, 6, 1.0, None, 0.0),
    ("tcd", ZERO | {"original_inference_steps": 100}, 2, 4, 4.0, 0.5, 1.0),
    ("ddim", {}, 0, 10, 4.0, None, 0.6),
    ("ddim", {}, 0, 10, 4.0, 0.7, None),
    ("ddim", ZERO, 1, 10, 7.5, 0.7, None),
    ("dpm++2m", ZERO, 2, 8, 4.0, 1.0, None),
    ("euler", ZERO, 3, 8, 4.0, None, None),
    ("euler-a", ZERO, 0, 8, 4.0, 0.3, None),
    ("lcm", ZERO, 1, 4, 4.0, None, None),
    ("euler", ZERO | LEADING, 2, 8, 4.0, None, None),
    # As SD-Turbo and its like are drawn: without guidance.
    ("euler", {}, 0, 1, 0.0, None, None),
    ("euler-a", {}, 1, 4, 1.0, None, None),
    ("euler", EPSILON, 2, 2, 0.0, None, None),
]
WIDTH, SEED = 33, 10
TOLD = [("lcm", {}, 0, 4, 8.5, None, None), ("lcm", {}, 1, 3, 1.0, None, None), ("ddim", {}, 2, 10, 3.3, 0.7, None)]


def draw(pipeline, base, case) -> Image.Image:
    kind, config, row, steps, guidance, rescale, eta = case
    config = {"timestep_spacing": base.timestep_spacing} | config
    pipeline.scheduler = KINDS[kind].from_config(base, **config)
    more = {}
    if eta is not None:
        more["eta"] = eta
    if rescale is not None:
        more["guidance_rescale"] = rescale
    prompt = PROMPTS[row]
    return pipeline(
        prompt=prompt["prompt"],
        negative_prompt=prompt["negative_prompt"],
        generator=torch.Generator().manual_seed(prompt["seed"]),
        num_inference_steps=steps,
        guidance_scale=guidance,
        **more,
    ).images[0]


def tell_guidance(unet) -> None:
    """The further weights are ones that float16 holds exactly."""
    projection = torch.nn.Linear(WIDTH, unet.time_embedding.linear_1.in_features, bias=False)
    draws = splitmix64(SEED, projection.weight.numel()) % 257
    values = (torch.from_numpy(draws.astype("float32")) - 128) / 1024
    projection.weight = torch.nn.Parameter(values.reshape(projection.weight.shape))
    unet.time_embedding.cond_proj = projection
    unet.register_to_config(time_cond_proj_dim=WIDTH)


def parameters(case) -> dict:
    kind, config, row, steps, guidance, rescale, eta = case
    keys = {"scheduler": kind, "config": config, "steps": steps, "guidance": guidance, "guidance_rescale": rescale, "eta": eta}
    return PROMPTS[row] | keys


def merged() -> Image.Image:
    from make_import_fixtures import write_diffusers

    with tempfile.TemporaryDirectory() as work:
        folder = Path(work)
        write_diffusers(folder)
        text_encoder = CLIPTextModel.from_pretrained(folder / "text_encoder", dtype=torch.float32)
        unet = UNet2DConditionModel.from_pretrained(folder / "unet", torch_dtype=torch.float32)
        vae = AutoencoderKL.from_pretrained(folder / "vae", torch_dtype=torch.float32)
    config = DDIMScheduler(beta_schedule="scaled_linear", beta_start=0.00085, beta_end=0.012, set_alpha_to_one=False).config
    small = StableDiffusionPipeline(
        vae, text_encoder, None, unet, LCMScheduler.from_config(config), None, None, requires_safety_checker=False
    )
    small.set_progress_bar_config(disable=True)
    small.load_lora_weights(ADAPTERS, weight_name="tiny-lora.safetensors")
    small.fuse_lora(lora_scale=TINY_SCALE)
    # Weights that were exact in float16 are so again, as import has it.
    unet.half().float()
    text_encoder.half().float()
    # "a" in the words of the tiny tokenizer.
    hidden = text_encoder(torch.tensor([[0, 2, 1, 1, 1, 1, 1, 1]]))[0]
    return small(
        prompt_embeds=hidden,
        num_inference_steps=4,
        guidance_scale=1.0,
        generator=torch.Generator().manual_seed(7),
    ).images[0]


@torch.no_grad()
def main() -> None:
    OUT.mkdir(exist_ok=True)
    pipeline = load_pipeline(pipeline_folder(__doc__))
    base = pipeline.scheduler.config
    pictures = [draw(pipeline, base, case) for case in CASES]
    tell_guidance(pipeline.unet)
    pictures += [draw(pipeline, base, case) for case in TOLD]
    # The pipeline that these models come with draws the same.
    own = LatentConsistencyModelPipeline(**pipeline.components, requires_safety_checker=False)
    own.set_progress_bar_config(disable=True)
    own.scheduler = LCMScheduler.from_config(base)
    prompt = PROMPTS[TOLD[0][2]]
    generator = torch.Generator().manual_seed(prompt["seed"])
    again = own(prompt["prompt"], generator=generator, num_inference_steps=4, guidance_scale=8.5).images[0]
    assert again.tobytes() == pictures[len(CASES)].tobytes()
    width, height = pictures[0].size
    columns = 6
    sheet = Image.new("RGB", (width * columns, height * -(-len(pictures) // columns)))
    for i, picture in enumerate(pictures):
        sheet.paste(picture, (i % columns * width, i // columns * height))
    sheet.save(OUT / "few_steps.png", optimize=True)
    merged().save(OUT / "merged.png", optimize=True)
    embeddings = {}
    for guidance, embedding_dim in [(8.5, WIDTH), (7.3, 256)]:
        told = pipeline.get_guidance_scale_embedding(torch.tensor(guidance - 1).repeat(1), embedding_dim)
        embeddings[str(guidance)] = [round(value, 6) for value in told[0].tolist()]
    found = {
        "fingerprint": fingerprint(pipeline.unet),
        "columns": columns,
        "cases": [parameters(case) for case in CASES],
        "width": WIDTH,
        "told": [parameters(case) for case in TOLD],
        "embedding": embeddings,
    }
    (OUT / "few_steps.json").write_text(json.dumps(found, indent=1) + "\n")
    print(f"{len(pictures)} pictures, {(OUT / 'few_steps.png').stat().st_size} bytes")


if __name__ == "__main__":
    main()
