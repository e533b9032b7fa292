"""Writes the trained models as a StableDiffusionPipeline folder, weights in float16.

    python save_pipeline.py --work WORK --out FOLDER
"""
import argparse
import json
from pathlib import Path

import torch
from diffusers import DDIMScheduler, StableDiffusionPipeline

from draw import Drawer
from make_latents import load_vae
from model import SCHEDULER


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--work", required=True, type=Path)
    parser.add_argument("--out", required=True, type=Path)
    args = parser.parse_args()
    drawer = Drawer(args.work)
    # Anew from the file: the drawer's is laid out for speed.
    vae = load_vae(args.work)
    vae.register_to_config(scaling_factor=drawer.numbers["scale"])
    pipeline = StableDiffusionPipeline(
        vae=vae, text_encoder=drawer.text, tokenizer=drawer.tokenizer, unet=drawer.unet, scheduler=DDIMScheduler(**SCHEDULER),
        safety_checker=None, feature_extractor=None, requires_safety_checker=False)
    # Contiguous: what is saved knows nothing of how it was trained.
    for model in (vae, drawer.text, drawer.unet):
        model.to("cpu", torch.float16)
        for parameter in model.parameters():
            parameter.data = parameter.data.contiguous(memory_format=torch.contiguous_format)
    pipeline.save_pretrained(args.out, safe_serialization=True)
    # transformers would compute in the type that config.json names and diffusers in float32; one type serves both.
    config = args.out / "text_encoder" / "config.json"
    config.write_text(json.dumps(json.loads(config.read_text()) | {"dtype": "float32"}, indent=2) + "\n")
    for path in (args.work / "tokenizer").iterdir():
        (args.out / "tokenizer" / path.name).write_bytes(path.read_bytes())
    count = {n: sum(p.numel() for p in m.parameters()) for n, m in (("vae", vae), ("text", drawer.text), ("unet", drawer.unet))}
    print(f"{args.out}: {count} parameters, {drawer.numbers['pictures']} pictures, {drawer.numbers['seconds'] / 3600:.2f} hours")


if __name__ == "__main__":
    main()
