"""Golden vectors for variations and large pictures in two passes.

    python make_variation.py [--pipeline DIR]  # writes variation/variation.json, variation.png and hires.png

Variation: the noise of two seeds turned towards each other as AUTOMATIC1111's web UI does (`modules/rng.py`, v1.10.1: `slerp`, which
works along dimension 1 of [channels, height, width]), written here from its formula in PyTorch; then drawn by
StableDiffusionPipeline with it as `latents`. Large: StableDiffusionPipeline, Pillow's Lanczos, StableDiffusionImg2ImgPipeline with a
fresh generator of the same seed and the encoder's mean.
"""

import json

import torch
from diffusers import DDIMScheduler, StableDiffusionImg2ImgPipeline
from diffusers.models.autoencoders.vae import DiagonalGaussianDistribution
from PIL import Image

from toybox import HERE, fingerprint, load_pipeline, pipeline_folder

OUT = HERE / "variation"
NOISES = [
    {"shape": [4, 8, 6], "seed": 7, "variation_seed": 42, "strength": 0.3},
    {"shape": [4, 8, 8], "seed": 1, "variation_seed": 2, "strength": 0.85},
    {"shape": [2, 5, 7], "seed": 9, "variation_seed": 9, "strength": 0.5},
]
PROMPT, STEPS, GUIDANCE = "a dog on grass", 12, 4.0
VARIATIONS = [{"seed": 7, "variation_seed": 42, "strength": 0.3}, {"seed": 7, "variation_seed": 43, "strength": 0.7}]
HIRES = [{"seed": 5, "scale": 2.0, "strength": 0.5, "steps": 12}, {"seed": 6, "scale": 1.5, "strength": 0.7, "steps": 8}]


def turn(part: float, low: torch.Tensor, high: torch.Tensor) -> torch.Tensor:
    """By angles between columns; where nearly all are alike the web UI mixes straight, with the parts the other way round."""
    unit = [noise / noise.norm(dim=1, keepdim=True) for noise in (low, high)]
    dot = (unit[0] * unit[1]).sum(1)
    if dot.mean() > 0.9995:
        return low * part + high * (1 - part)
    angle = torch.acos(dot)
    parts = [(torch.sin(p * angle) / torch.sin(angle)).unsqueeze(1) for p in (1 - part, part)]
    return parts[0] * low + parts[1] * high


def noise(shape: list[int], case: dict) -> torch.Tensor:
    own, other = (torch.randn(shape, generator=torch.Generator().manual_seed(case[key])) for key in ("seed", "variation_seed"))
    return turn(case["strength"], own, other)


def row(pictures: list[Image.Image], name: str) -> None:
    sheet = Image.new("RGB", (sum(p.width for p in pictures), max(p.height for p in pictures)))
    x = 0
    for picture in pictures:
        sheet.paste(picture, (x, 0))
        x += picture.width
    sheet.save(OUT / name, optimize=True)


def main() -> None:
    OUT.mkdir(exist_ok=True)
    pipeline = load_pipeline(pipeline_folder(__doc__))
    pipeline.scheduler = DDIMScheduler.from_config(pipeline.scheduler.config)
    DiagonalGaussianDistribution.sample = lambda self, generator=None: self.mode()
    img2img = StableDiffusionImg2ImgPipeline(**pipeline.components, requires_safety_checker=False)
    img2img.set_progress_bar_config(disable=True)

    def draw(pipe, seed: int, steps: int, **more) -> Image.Image:
        generator = torch.Generator().manual_seed(seed)
        return pipe(prompt=PROMPT, generator=generator, num_inference_steps=steps, guidance_scale=GUIDANCE, **more).images[0]

    side = pipeline.unet.config.sample_size
    latent = [pipeline.unet.config.in_channels, side, side]
    varied = [draw(pipeline, case["seed"], STEPS, latents=noise(latent, case)[None]) for case in VARIATIONS]
    large = []
    for case in HIRES:
        small = draw(pipeline, case["seed"], STEPS)
        size = [round(edge * case["scale"] / 8) * 8 for edge in small.size]
        image = small.resize(size, Image.Resampling.LANCZOS)
        large.append(draw(img2img, case["seed"], case["steps"], image=image, strength=case["strength"]))
    row(varied, "variation.png")
    row(large, "hires.png")
    golden = {
        "fingerprint": fingerprint(pipeline.unet),
        "prompt": PROMPT,
        "steps": STEPS,
        "guidance": GUIDANCE,
        "noises": [case | {"values": noise(case["shape"], case).flatten().tolist()} for case in NOISES],
        "variations": VARIATIONS,
        "hires": HIRES,
    }
    (OUT / "variation.json").write_text(json.dumps(golden) + "\n")


if __name__ == "__main__":
    main()
