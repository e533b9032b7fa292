"""Golden embeddings and pictures of diffusers' `clip_skip`: the text encoder without its last layers, normalised.

    python make_clip_skip.py [--pipeline DIR]  # writes clip_skip/clip_skip.json, clip_skip.safetensors and clip_skip.png

diffusers leaves layers out for the prompt and not for the negative prompt. The rows of some tokens are kept. A column of the sheet each for
0, 1 and 2 layers left out.
"""

import json
from types import SimpleNamespace

import torch
from PIL import Image
from safetensors.torch import save_file

from make_pictures import GUIDANCE, SCHEDULERS
from toybox import HERE, fingerprint, load_pipeline, pipeline_folder

OUT = HERE / "clip_skip"
PROMPTS = [
    {"prompt": "a dog and an apple on grass", "negative_prompt": "", "seed": 7},
    {"prompt": "a rocket at night", "negative_prompt": "a cat", "seed": 123456789},
]
SKIPS = [0, 1, 2]
TOKENS = [0, 1, 4, 31]
SCHEDULER = "ddim"


@torch.no_grad()
def main() -> None:
    OUT.mkdir(exist_ok=True)
    pipeline = load_pipeline(pipeline_folder(__doc__))
    encoder = pipeline.text_encoder
    if not hasattr(encoder, "text_model"):
        # diffusers looks for the norm where transformers had it before version 5; past nn.Module, which would see a circle.
        object.__setattr__(encoder, "text_model", SimpleNamespace(final_layer_norm=encoder.final_layer_norm))
    kind, extra, steps = SCHEDULERS[SCHEDULER]
    pipeline.scheduler = kind.from_config(pipeline.scheduler.config, **extra)
    tensors, rows = {}, []
    for i, prompt in enumerate(PROMPTS):
        row = []
        for skip in SKIPS:
            hidden, negative = pipeline.encode_prompt(
                prompt["prompt"], "cpu", 1, True, prompt["negative_prompt"], clip_skip=skip
            )
            tensors[f"{i}.{skip}"] = hidden[0, TOKENS].contiguous()
            tensors[f"{i}.{skip}.negative"] = negative[0, TOKENS].contiguous()
            row.append(
                pipeline(
                    prompt["prompt"],
                    negative_prompt=prompt["negative_prompt"],
                    generator=torch.Generator().manual_seed(prompt["seed"]),
                    num_inference_steps=steps,
                    guidance_scale=GUIDANCE,
                    clip_skip=skip,
                ).images[0]
            )
        rows.append(row)
    save_file(tensors, OUT / "clip_skip.safetensors")
    width, height = rows[0][0].size
    sheet = Image.new("RGB", (width * len(SKIPS), height * len(rows)))
    for y, row in enumerate(rows):
        for x, picture in enumerate(row):
            sheet.paste(picture, (x * width, y * height))
    sheet.save(OUT / "clip_skip.png", optimize=True)
    parameters = {
        "fingerprint": fingerprint(pipeline.unet),
        "guidance": GUIDANCE,
        "scheduler": SCHEDULER,
        "steps": steps,
        "tokens": TOKENS,
        "skips": SKIPS,
        "prompts": PROMPTS,
    }
    (OUT / "clip_skip.json").write_text(json.dumps(parameters, indent=1) + "\n")


if __name__ == "__main__":
    main()
