"""Golden pictures of diffusers on the CPU in float32: what `Engine::generate` must draw at 45 dB or better.

    python make_pictures.py [--pipeline DIR]  # writes pictures/pictures.json and one contact sheet for each set

| sheet       | what                                                                                             |
|-------------|--------------------------------------------------------------------------------------------------|
| base.png    | StableDiffusionPipeline, one row a prompt, one column a scheduler                                |
| masked.png  | the same with 5 % of the K and V projections' weights zeroed: `ConceptMask::random(0.05, 1)`     |
| img2img.png | StableDiffusionImg2ImgPipeline from cells of base.png; the encoder's mean instead of a random draw |
"""

import json

import torch
from diffusers import (
    DDIMScheduler,
    DPMSolverMultistepScheduler,
    EulerAncestralDiscreteScheduler,
    EulerDiscreteScheduler,
    LCMScheduler,
    StableDiffusionImg2ImgPipeline,
)
from diffusers.models.autoencoders.vae import DiagonalGaussianDistribution
from PIL import Image

from toybox import HERE, fingerprint, load_pipeline, pipeline_folder, random_mask, shut

OUT = HERE / "pictures"
GUIDANCE = 4.0
MASK = {"share": 0.05, "seed": 1}
PROMPTS = [
    {"prompt": "a dog and an apple on grass", "negative_prompt": "", "seed": 7},
    {"prompt": "a penguin in the snow", "negative_prompt": "", "seed": 0},
    {"prompt": "a rocket at night", "negative_prompt": "a cat", "seed": 123456789},
    {"prompt": "a <v1> dog on the beach", "negative_prompt": "", "seed": 4294967295},
    {"prompt": "", "negative_prompt": "", "seed": 42},
]
SCHEDULERS = {
    "ddim": (DDIMScheduler, {}, 20),
    "dpm++2m": (DPMSolverMultistepScheduler, {}, 12),
    "dpm++2m-karras": (DPMSolverMultistepScheduler, {"use_karras_sigmas": True}, 12),
    "euler": (EulerDiscreteScheduler, {}, 15),
    "euler-a": (EulerAncestralDiscreteScheduler, {}, 15),
    "lcm": (LCMScheduler, {}, 6),
}
# (scheduler, index of the prompt, strength); the start is the cell of the next prompt and the same scheduler.
IMG2IMG = [("ddim", 0, 0.6), ("dpm++2m", 1, 0.75), ("euler", 2, 0.5), ("euler-a", 3, 0.8)]


def draw(pipeline, base, scheduler: str, prompt: dict, **more) -> Image.Image:
    kind, extra, steps = SCHEDULERS[scheduler]
    pipeline.scheduler = kind.from_config(base, **extra)
    return pipeline(
        prompt=prompt["prompt"],
        negative_prompt=prompt["negative_prompt"],
        generator=torch.Generator().manual_seed(prompt["seed"]),
        num_inference_steps=steps,
        guidance_scale=GUIDANCE,
        **more,
    ).images[0]


def table(pipeline, base) -> list[list[Image.Image]]:
    return [[draw(pipeline, base, scheduler, prompt) for scheduler in SCHEDULERS] for prompt in PROMPTS]


def from_pictures(pipeline, base, rows: list[list[Image.Image]]) -> list[Image.Image]:
    # A device takes the posterior's mean, and draws nothing for it.
    DiagonalGaussianDistribution.sample = lambda self, generator=None: self.mode()
    img2img = StableDiffusionImg2ImgPipeline(**pipeline.components, requires_safety_checker=False)
    img2img.set_progress_bar_config(disable=True)
    columns = list(SCHEDULERS)
    return [
        draw(img2img, base, kind, PROMPTS[row], strength=strength,
             image=rows[(row + 1) % len(rows)][columns.index(kind)])
        for kind, row, strength in IMG2IMG
    ]


def save_sheet(name: str, rows: list[list[Image.Image]]) -> None:
    width, height = rows[0][0].size
    sheet = Image.new("RGB", (width * len(rows[0]), height * len(rows)))
    for y, row in enumerate(rows):
        for x, picture in enumerate(row):
            sheet.paste(picture, (x * width, y * height))
    sheet.save(OUT / name, optimize=True)
    print(f"{name}: {len(rows) * len(rows[0])} pictures, {(OUT / name).stat().st_size} bytes")


def main() -> None:
    OUT.mkdir(exist_ok=True)
    pipeline = load_pipeline(pipeline_folder(__doc__))
    base = pipeline.scheduler.config
    parameters = {
        "fingerprint": fingerprint(pipeline.unet),
        "guidance": GUIDANCE,
        "mask": MASK,
        "prompts": PROMPTS,
        "schedulers": [{"name": name, "steps": steps} for name, (_, _, steps) in SCHEDULERS.items()],
        "img2img": [{"scheduler": kind, "prompt": row, "strength": strength} for kind, row, strength in IMG2IMG],
    }
    rows = table(pipeline, base)
    save_sheet("base.png", rows)
    save_sheet("img2img.png", [from_pictures(pipeline, base, rows)])
    mask = random_mask(pipeline.unet, **MASK)
    parameters["mask"]["neurons"] = int(sum(layer.sum() for layer in mask))
    shut(pipeline.unet, mask)
    save_sheet("masked.png", table(pipeline, base))
    (OUT / "pictures.json").write_text(json.dumps(parameters, indent=1) + "\n")


if __name__ == "__main__":
    main()
