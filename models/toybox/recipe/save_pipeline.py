"""Writes the trained models as a StableDiffusionPipeline folder, weights in float16.

    python save_pipeline.py --work WORK --out WORK/pipeline
"""
import argparse
import json
from pathlib import Path

import torch
from diffusers import DDIMScheduler, StableDiffusionPipeline
from transformers import CLIPTokenizer

from make_latents import load_vae
from train_toybox import SCHEDULER, models


def load(work):
    """(text encoder, U-Net, scaling factor) with the averaged weights of the checkpoint."""
    tokenizer = CLIPTokenizer.from_pretrained(Path(work) / "tokenizer")
    text, unet = models(tokenizer)
    state = torch.load(Path(work) / "toybox.pt", weights_only=True, map_location="cpu")
    for prefix, model in (("text.", text), ("unet.", unet)):
        averaged = {n[len(prefix):]: p for n, p in state["average"].items() if n.startswith(prefix)}
        missing, unexpected = model.load_state_dict(averaged, strict=False)
        # Buffers such as position ids are not averaged.
        assert not unexpected and not [m for m in missing if "position_ids" not in m], (missing, unexpected)
    return tokenizer, text.eval(), unet.eval(), state


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--work", required=True)
    parser.add_argument("--out", required=True)
    args = parser.parse_args()
    tokenizer, text, unet, state = load(args.work)
    vae = load_vae(args.work)
    vae.register_to_config(scaling_factor=state["scale"])
    pipeline = StableDiffusionPipeline(
        vae=vae, text_encoder=text, tokenizer=tokenizer, unet=unet, scheduler=DDIMScheduler(**SCHEDULER),
        safety_checker=None, feature_extractor=None, requires_safety_checker=False)
    # Contiguous and default processors: what is saved knows nothing of how it was trained.
    for model in (vae, text, unet):
        model.to(torch.float16)
        for parameter in model.parameters():
            parameter.data = parameter.data.contiguous(memory_format=torch.contiguous_format)
    pipeline.save_pretrained(args.out, safe_serialization=True)
    # transformers would compute in the type that config.json names and diffusers in float32; one type serves both.
    config = Path(args.out) / "text_encoder" / "config.json"
    config.write_text(json.dumps(json.loads(config.read_text()) | {"dtype": "float32"}, indent=2) + "\n")
    for path in (Path(args.work) / "tokenizer").iterdir():
        (Path(args.out) / "tokenizer" / path.name).write_bytes(path.read_bytes())
    count = {n: sum(p.numel() for p in m.parameters()) for n, m in (("vae", vae), ("text", text), ("unet", unet))}
    print(f"{args.out}: {count} parameters, {state['pictures']} pictures, {state['seconds'] / 3600:.2f} hours")


if __name__ == "__main__":
    main()
