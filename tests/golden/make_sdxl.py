"""Golden pictures of Stable Diffusion XL's kind: diffusers' StableDiffusionXLPipeline on the CPU in float32, with the random weights of
`models/export/make_sdxl_fixtures.py`.

    python make_sdxl.py  # writes sdxl/sdxl.json, sdxl.png (one cell a case) and embeddings.safetensors

The first cases are of the model with attention in the middle, those of `small` of the one without. `effects` says how near pictures
come to the first case's that leave out one of what this kind of model takes: what could be forgotten and go unseen.
"""

import json
import math
import sys
import tempfile
from pathlib import Path

import numpy
import torch
from diffusers import (
    DDIMScheduler,
    DPMSolverMultistepScheduler,
    EulerAncestralDiscreteScheduler,
    EulerDiscreteScheduler,
    StableDiffusionXLImg2ImgPipeline,
)
from diffusers.models.autoencoders.vae import DiagonalGaussianDistribution
from PIL import Image
from safetensors.torch import save_file

from toybox import HERE, fingerprint, random_mask, shut

sys.path.insert(0, str(HERE.parents[1] / "models/export"))
OUT = HERE / "sdxl"
KINDS = {
    "ddim": DDIMScheduler,
    "dpm++2m": DPMSolverMultistepScheduler,
    "euler": EulerDiscreteScheduler,
    "euler-a": EulerAncestralDiscreteScheduler,
}
# As the scheduler's configuration of Stable Diffusion XL has it, which Euler's class passes over.
PUBLISHED = {"clip_sample": False, "set_alpha_to_one": False}
TRAILING = {"timestep_spacing": "trailing"}
BASE = dict(
    prompt="a dog on grass", negative_prompt="red snow", seed=7, scheduler="euler", config={}, steps=8, guidance_scale=5.0
)
MASK = {"share": 0.05, "seed": 1}
CASES = [
    BASE,
    # Nothing to stay away from is zeros, and no empty prompt.
    BASE | dict(negative_prompt=None, scheduler="ddim", seed=1),
    BASE | dict(prompt="a red dog, on the snow at night", scheduler="dpm++2m", guidance_scale=7.0, seed=2, original_size=[48, 20],
                crops_coords_top_left=[3, 5], target_size=[24, 40]),
    # The second tokenizer takes `!` for its own token, and of several makes several.
    BASE | dict(prompt="a dog! on!! the red grass", negative_prompt="cat!!!", scheduler="euler-a", seed=3),
    BASE | dict(clip_skip=1, scheduler="ddim", seed=4),
    BASE | dict(height=48, width=16, seed=5),
    # As SDXL-Turbo and Lightning are drawn.
    BASE | dict(config=TRAILING, steps=1, guidance_scale=0.0, seed=6),
    BASE | dict(config=TRAILING, steps=4, guidance_scale=0.0, seed=8),
    BASE | dict(config=TRAILING, steps=4, guidance_scale=1.0, scheduler="euler-a", seed=9),
    BASE | dict(strength=0.6, start=0, seed=10),
    BASE | dict(masked=True, seed=11),
]
SMALL = [
    BASE | dict(seed=12),
    BASE | dict(negative_prompt=None, config=TRAILING, steps=4, guidance_scale=3.0, seed=13),
]
FIELDS = ["original_size", "crops_coords_top_left", "target_size", "clip_skip", "height", "width"]


def draw(pipeline, case, image=None) -> Image.Image:
    base = pipeline.scheduler.config
    pipeline.scheduler = KINDS[case["scheduler"]].from_config(base, **PUBLISHED | {"timestep_spacing": "leading"} | case["config"])
    more = {field: case[field] for field in FIELDS if field in case}
    more = {field: tuple(value) if isinstance(value, list) else value for field, value in more.items()}
    if image is not None:
        more |= dict(image=image, strength=case["strength"])
    return pipeline(
        prompt=case["prompt"],
        negative_prompt=case["negative_prompt"],
        generator=torch.Generator().manual_seed(case["seed"]),
        num_inference_steps=case["steps"],
        guidance_scale=case["guidance_scale"],
        **more,
    ).images[0]


def psnr(a, b) -> float:
    a, b = (numpy.asarray(picture, dtype=float) for picture in (a, b))
    return 10 * math.log10(255**2 / max(((a - b) ** 2).mean(), 1e-9))


def effects(pipeline, expected) -> dict:
    """How near a picture is that leaves out one thing."""
    found = {"negative_prompt": psnr(draw(pipeline, BASE | dict(negative_prompt=None)), expected)}
    found["time_ids"] = psnr(draw(pipeline, BASE | dict(original_size=(64, 64))), expected)
    found["prompt"] = psnr(draw(pipeline, BASE | dict(prompt="a cat on grass")), expected)
    embeds = dict(zip(["prompt_embeds", "negative_prompt_embeds", "pooled_prompt_embeds", "negative_pooled_prompt_embeds"],
                      pipeline.encode_prompt(BASE["prompt"], negative_prompt=BASE["negative_prompt"])))

    def drawn(changed):
        return pipeline(**embeds | changed, generator=torch.Generator().manual_seed(BASE["seed"]), num_inference_steps=8,
                        guidance_scale=5.0).images[0]

    pipeline.scheduler = EulerDiscreteScheduler.from_config(pipeline.scheduler.config)
    assert psnr(drawn({}), expected) > 80
    found["text_embeds"] = psnr(drawn({"pooled_prompt_embeds": 0 * embeds["pooled_prompt_embeds"]}), expected)
    for name, columns in [("text_encoder", slice(0, 8)), ("text_encoder_2", slice(8, None))]:
        without = embeds["prompt_embeds"].clone()
        without[..., columns] = 0
        found[name] = psnr(drawn({"prompt_embeds": without}), expected)
    return {name: round(value, 2) for name, value in found.items()}


@torch.no_grad()
def main() -> None:
    from make_sdxl_fixtures import pipeline

    # A device takes the posterior's mean, and draws nothing for it.
    DiagonalGaussianDistribution.sample = lambda self, generator=None: self.mode()
    OUT.mkdir(exist_ok=True)
    tensors, pictures = {}, []
    with tempfile.TemporaryDirectory() as work:
        own = pipeline(Path(work) / "own")
        small = pipeline(Path(work) / "small", small=True)
    image = StableDiffusionXLImg2ImgPipeline(**own.components, add_watermarker=False)
    image.set_progress_bar_config(disable=True)
    found = {"fingerprint": fingerprint(own.unet), "small_fingerprint": fingerprint(small.unet), "mask": MASK}
    found["tokens"] = {}
    for text in [BASE["prompt"], CASES[3]["prompt"], CASES[3]["negative_prompt"], "", "!", "a ! b"]:
        found["tokens"][text] = [
            tokenizer(text, padding="max_length", max_length=16, truncation=True).input_ids
            for tokenizer in (own.tokenizer, own.tokenizer_2)
        ]
    for i in (0, 3, 4):
        case = CASES[i]
        given = own.encode_prompt(case["prompt"], negative_prompt=case["negative_prompt"], clip_skip=case.get("clip_skip"))
        for name, value in zip(["prompt", "negative", "pooled", "negative_pooled"], given):
            tensors[f"{i}.{name}"] = value[0].contiguous()
    mask = random_mask(own.unet, **MASK)
    for case in CASES:
        if case.get("masked"):
            found["effects"] = effects(own, pictures[0])
            kept = own.unet.state_dict()
            kept = {name: value.clone() for name, value in kept.items()}
            shut(own.unet, mask)
        pictures.append(draw(image, case, pictures[case["start"]]) if "start" in case else draw(own, case))
        if case.get("masked"):
            own.unet.load_state_dict(kept)
            found["effects"]["mask"] = round(psnr(pictures[-1], draw(own, case)), 2)
    pictures += [draw(small, case) for case in SMALL]
    found["cases"], found["small"] = CASES, SMALL
    side = 48
    sheet = Image.new("RGB", (side * len(pictures), side))
    for i, picture in enumerate(pictures):
        sheet.paste(picture, (i * side, 0))
    sheet.save(OUT / "sdxl.png", optimize=True)
    found["side"] = side
    save_file(tensors, OUT / "embeddings.safetensors")
    (OUT / "sdxl.json").write_text(json.dumps(found, indent=1) + "\n")
    print(found["effects"], [numpy.asarray(picture).std().round(1) for picture in pictures])


if __name__ == "__main__":
    main()
