"""Golden text embeddings of transformers' CLIPTextModel: what `text_encoder.onnx` must give to 1e-4.

    python make_text.py [--pipeline DIR]      # writes text/text.json and text/text.safetensors
"""

import json

import torch
from safetensors.torch import save_file

from toybox import HERE, fingerprint, load_pipeline, pipeline_folder

PROMPTS = [
    "",
    "a dog and an apple on grass",
    "a <v1> dog at night",
    "A RED ROCKET, “quoted”, on the beach!",
    "ein Hund im Schnee 🐶",
    "a dog and an apple and a cat and a penguin and a rocket and a guitar and a mushroom and an octopus in the snow",
]


@torch.no_grad()
def main() -> None:
    pipeline = load_pipeline(pipeline_folder(__doc__))
    tokenizer = pipeline.tokenizer
    ids = tokenizer(PROMPTS, padding="max_length", truncation=True, return_tensors="pt").input_ids
    hidden = pipeline.text_encoder(ids)[0].contiguous()
    target = HERE / "text"
    target.mkdir(exist_ok=True)
    (target / "text.json").write_text(
        json.dumps({"fingerprint": fingerprint(pipeline.unet), "prompts": PROMPTS}, indent=1) + "\n"
    )
    save_file({"last_hidden_state": hidden}, target / "text.safetensors")
    print(f"text.safetensors: {list(hidden.shape)}, largest value {hidden.abs().max():.3f}")


if __name__ == "__main__":
    main()
