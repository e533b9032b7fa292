"""Encodes a pool of training pictures with the finished VAE, so that the U-Net's training reads latents only.

    python make_latents.py --npm NODE_MODULES --work WORK --shards 40

Each shard is an .npz of `latents` (float16, N x 4 x size/4 x size/4, unscaled posterior means) and `ids` (uint16, N x 32).
Shards that exist are kept, so it can be stopped and run again; the trainer picks up shards as they appear.
"""
import argparse
import os
from pathlib import Path

import numpy as np
import torch
from diffusers import AutoencoderKL
from transformers import CLIPTokenizer

import world
from next_recipe import fast
from train_vae import CONFIG

SHARD = 4096


def load_vae(work):
    vae = AutoencoderKL(**CONFIG)
    vae.load_state_dict(torch.load(Path(work) / "vae.pt", weights_only=True, map_location="cpu")["vae"])
    return vae.eval()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--npm", required=True)
    parser.add_argument("--work", required=True)
    parser.add_argument("--shards", type=int, default=40)
    args = parser.parse_args()
    torch.set_num_threads(1)
    work = Path(args.work)
    (work / "latents").mkdir(exist_ok=True)
    sprites = world.load_sprites(args.npm, work / "sprites.pkl")
    keys = world.training_keys(sprites)
    tokenizer = CLIPTokenizer.from_pretrained(work / "tokenizer")
    vae = fast.prepare(load_vae(work))
    for index in range(args.shards):
        path = work / "latents" / f"{index:04}.npz"
        if path.exists():
            continue
        r = world.seeded(10_000 + index)
        latents, ids = [], []
        for _ in range(SHARD // 32):
            pictures, captions = zip(*[world.sample(r, sprites, keys) for _ in range(32)])
            x = torch.from_numpy(np.stack([np.asarray(p) for p in pictures])).permute(0, 3, 1, 2).float() / 127.5 - 1
            with torch.no_grad(), fast.autocast():
                mean = vae.encode(x.to(fast.DEVICE).contiguous(memory_format=torch.channels_last)).latent_dist.mean
            latents.append(mean.float().contiguous().cpu().numpy().astype(np.float16))
            ids += tokenizer(list(captions), padding="max_length", truncation=True,
                             max_length=tokenizer.model_max_length).input_ids
        part = path.with_suffix(".part.npz")
        np.savez(part, latents=np.concatenate(latents), ids=np.array(ids, np.uint16))
        os.replace(part, path)
        print(path.name, flush=True)


if __name__ == "__main__":
    main()
