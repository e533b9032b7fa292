"""Golden pictures of diffusers' StableDiffusionPipeline with words drawn in boxes, on the CPU in float32.

    python make_boxes.py [--pipeline DIR]  # writes boxes/boxes.json and a contact sheet

What boxes add to the scores of cross-attention goes into PyTorch's `scaled_dot_product_attention` as its `attn_mask`, for the prompt's
branch alone: outside of its box a word is not seen. The last case has no box.
"""

import json
import sys

import torch
from PIL import Image

from make_pictures import GUIDANCE, PROMPTS, SCHEDULERS, draw
from toybox import HERE, fingerprint, load_pipeline, pipeline_folder

sys.path.insert(0, str(HERE.parents[1] / "models/bench"))

from boxed_attention import Boxed, bias  # noqa: E402

OUT = HERE / "boxes"
# (scheduler, prompt, {words: boxes}); words are one token each, or several.
CASES = [
    ("ddim", "a dog and an apple on grass", {"dog": [[0.0, 0.0, 0.5, 1.0]], "apple": [[0.5, 0.25, 1.0, 0.875]]}),
    ("euler", "a car in the snow", {"a car": [[0.0, 0.5, 0.4, 1.0]]}),
    ("dpm++2m", "a cat and a frog and an owl at night", {"cat": [[0.55, 0.5, 1.0, 1.0]], "owl": [[0.0, 0.0, 0.3, 0.3], [0.7, 0.0, 1.0, 0.3]]}),
    ("ddim", "a dog and an apple on grass", {}),
]


def main() -> None:
    OUT.mkdir(exist_ok=True)
    pipeline = load_pipeline(pipeline_folder(__doc__))
    base, before = pipeline.scheduler.config, pipeline.unet.attn_processors
    drawn, cases = [], []
    for number, (kind, prompt, boxes) in enumerate(CASES):
        pipeline.unet.set_attn_processor(Boxed(bias(pipeline.tokenizer, [prompt], [boxes])) if boxes else before)
        case = {**PROMPTS[0], "prompt": prompt, "seed": number}
        drawn.append(draw(pipeline, base, kind, case))
        flat = [{"words": words, "sides": sides} for words, all_sides in boxes.items() for sides in all_sides]
        cases.append({**case, "scheduler": kind, "steps": SCHEDULERS[kind][2], "boxes": flat})
    width, height = drawn[0].size
    sheet = Image.new("RGB", (width * len(drawn), height))
    for x, picture in enumerate(drawn):
        sheet.paste(picture, (x * width, 0))
    sheet.save(OUT / "boxes.png", optimize=True)
    parameters = {"fingerprint": fingerprint(pipeline.unet), "guidance": GUIDANCE, "cases": cases}
    (OUT / "boxes.json").write_text(json.dumps(parameters, indent=1) + "\n")


if __name__ == "__main__":
    with torch.no_grad():
        main()
