"""Golden pictures of diffusers' StableDiffusionInpaintPipeline, on the CPU in float32: with Toybox's U-Net as it is, and with one
that is told what is redrawn (Stable Diffusion's has 9 channels for 4, Toybox's 17 for 8), which is the same with random weights for
the mask and for the latent of the masked picture.

    python make_inpaint.py [--pipeline DIR]  # writes inpaint/*.json and contact sheets: pictures, masks, what came out

The encoder's mean is taken instead of a random draw, as in `make_pictures.py`; each column has another scheduler or strength. With
`padding_mask_crop` only the masked part is drawn, at the model's full size. Where all is white, it is what a text alone gives.
"""

import inspect
import json
import textwrap

import numpy
import torch
from diffusers import StableDiffusionInpaintPipeline
from diffusers.models.autoencoders.vae import DiagonalGaussianDistribution
from PIL import Image, ImageFilter

from make_pictures import GUIDANCE, PROMPTS, SCHEDULERS, draw
from toybox import HERE, fingerprint, load_pipeline, pipeline_folder, splitmix64

OUT = HERE / "inpaint"
# (scheduler, index of the prompt, strength, padding, mask)
CASES = [
    ("ddim", 0, 1.0, None, "square"),
    ("dpm++2m", 1, 0.75, None, "disc"),
    ("dpm++2m-karras", 2, 1.0, None, "soft"),
    ("euler", 3, 1.0, None, "disc"),
    ("euler-a", 0, 0.9, None, "square"),
    ("lcm", 1, 1.0, None, "soft"),
    ("ddim", 2, 1.0, 8, "small"),
    ("euler", 0, 0.8, 4, "corner"),
]
NINE_CASES = [
    ("ddim", 0, 1.0, None, "square"),
    ("euler", 1, 0.7, None, "disc"),
    ("dpm++2m", 2, 1.0, 8, "small"),
    ("euler-a", 3, 1.0, None, "soft"),
    ("ddim", 0, 1.0, None, "all"),
]
NINE_SEED = 9


def mask(kind: str, size: int) -> Image.Image:
    y, x = numpy.mgrid[:size, :size] / size
    where = {
        "square": (x > 0.3) & (x < 0.8) & (y > 0.2) & (y < 0.7),
        "disc": (x - 0.45) ** 2 + (y - 0.55) ** 2 < 0.09,
        "soft": (x > 0.25) & (y > 0.4) & (y < 0.9),
        "small": (x > 0.4) & (x < 0.7) & (y > 0.45) & (y < 0.7),
        "corner": (x < 0.3) & (y > 0.75),
        "all": x >= 0,
    }[kind]
    picture = Image.fromarray((255 * where).astype(numpy.uint8))
    return picture.filter(ImageFilter.GaussianBlur(size / 24)) if kind == "soft" else picture


def widen(unet) -> None:
    """Channels for the mask and the masked latent (five where latents have four), of weights that float16 holds exactly."""
    convolution = unet.conv_in
    outputs, inputs, *kernel = convolution.weight.shape
    further = inputs + 1
    draws = splitmix64(NINE_SEED, outputs * further * kernel[0] * kernel[1]) % numpy.uint64(257)
    more = (draws.astype(numpy.float32) - 128) / 1024
    more = torch.from_numpy(more.reshape(outputs, further, *kernel))
    convolution.weight = torch.nn.Parameter(torch.cat([convolution.weight.detach(), more], dim=1))
    convolution.in_channels = inputs + further
    unet.register_to_config(in_channels=inputs + further)


def for_channels(pipeline_class: type, channels: int) -> type:
    """The pipeline for latents of so many channels. Its `__call__` asks whether the U-Net has 4 or 9, as with latents of 4: these two
    numbers in it, and nothing else, are others here."""
    source = textwrap.dedent(inspect.getsource(inspect.unwrap(pipeline_class.__call__)))
    body = source[source.index("def __call__"):]
    for stable_diffusion, ours in ((4, channels), (9, 2 * channels + 1)):
        for compared in ("==", "!="):
            body = body.replace(f"num_channels_unet {compared} {stable_diffusion}", f"num_channels_unet {compared} {ours}")
    known = dict(vars(inspect.getmodule(pipeline_class)))
    exec(body, known)
    return type(pipeline_class.__name__, (pipeline_class,), {"__call__": torch.no_grad()(known["__call__"])})


def write(name: str, inpaint, base, cases: list, starts: list[Image.Image]) -> None:
    width, height = starts[0].size
    masks = [mask(kind, width) for _, _, _, _, kind in cases]
    drawn = [
        draw(inpaint, base, kind, PROMPTS[row], strength=strength, image=start, mask_image=where,
             width=width, height=height, padding_mask_crop=padding)
        for (kind, row, strength, padding, _), start, where in zip(cases, starts, masks, strict=True)
    ]
    sheet = Image.new("RGB", (width * len(cases), height * 3))
    for x, column in enumerate(zip(starts, masks, drawn, strict=True)):
        for y, picture in enumerate(column):
            sheet.paste(picture.convert("RGB"), (x * width, y * height))
    sheet.save(OUT / f"{name}.png", optimize=True)
    parameters = {
        "fingerprint": fingerprint(inpaint.unet),
        "guidance": GUIDANCE,
        "cases": [
            {**PROMPTS[row], "scheduler": kind, "steps": SCHEDULERS[kind][2], "strength": strength, "padding_mask_crop": padding}
            for kind, row, strength, padding, _ in cases
        ],
    }
    (OUT / f"{name}.json").write_text(json.dumps(parameters, indent=1) + "\n")
    print(f"{name}.png: {len(cases)} cases, {(OUT / f'{name}.png').stat().st_size} bytes")


def main() -> None:
    OUT.mkdir(exist_ok=True)
    pipeline = load_pipeline(pipeline_folder(__doc__))
    base = pipeline.scheduler.config
    starts = {row: draw(pipeline, base, "ddim", PROMPTS[(row + 1) % len(PROMPTS)]) for row in range(4)}
    DiagonalGaussianDistribution.sample = lambda self, generator=None: self.mode()
    kind = for_channels(StableDiffusionInpaintPipeline, pipeline.vae.config.latent_channels)
    inpaint = kind(**pipeline.components, requires_safety_checker=False)
    inpaint.set_progress_bar_config(disable=True)
    write("inpaint", inpaint, base, CASES, [starts[case[1]] for case in CASES])
    widen(inpaint.unet)
    write("nine", inpaint, base, NINE_CASES, [starts[case[1]] for case in NINE_CASES])


if __name__ == "__main__":
    with torch.no_grad():
        main()
