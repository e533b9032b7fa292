"""Encodes a pool of training pictures with the finished VAE, so that the U-Net's training reads latents only.

    python make_latents.py --work WORK --shards 40 [--worker 0/4]

Each shard is an .npz of `latents` (float16, N x channels x 16 x 16, unscaled posterior means) and `ids` (uint16, N x 32) and
`labels` (int16, N x 5: the classes' numbers, -1 for none, and the context's). Shards that exist are kept, so it can be stopped and run again; the trainer picks up shards as they appear. Several workers share one list.
"""
import argparse
import os
import random
from pathlib import Path

import numpy as np
import torch
from diffusers import AutoencoderKL
from transformers import CLIPTokenizer

from fast import DEVICE, autocast, prepare
from train_vae import config
from world import World

SHARD = 4096


def load_vae(work):
    state = torch.load(Path(work) / "vae.pt", weights_only=True, map_location="cpu")
    vae = AutoencoderKL(**config(state["numbers"]["channels"]))
    vae.load_state_dict(state["vae"])
    return vae.eval()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--work", required=True, type=Path)
    parser.add_argument("--shards", type=int, default=40)
    parser.add_argument("--worker", default="0/1", help="K/N: makes every N-th shard, from the K-th on")
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--threads", type=int, default=1)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    k, n = map(int, args.worker.split("/"))
    folder = args.work / "latents"
    folder.mkdir(exist_ok=True)
    wanted = [i for i in range(k, args.shards, n) if not (folder / f"{i:04}.npz").exists()]
    if not wanted:
        return
    world = World(args.work / "sprites.npz", DEVICE)
    tokenizer = CLIPTokenizer.from_pretrained(args.work / "tokenizer")
    vae = prepare(load_vae(args.work))
    for index in wanted:
        path = folder / f"{index:04}.npz"
        r = random.Random(10_000 + index)
        latents, captions, labels = [], [], []
        while len(captions) < SHARD:
            x, texts, plans = world.sample(r, args.batch)
            with torch.no_grad(), autocast():
                mean = vae.encode(x.contiguous(memory_format=torch.channels_last)).latent_dist.mean
            latents.append(mean.half().contiguous().cpu().numpy())
            captions += texts
            labels.append(world.labels(plans))
        ids = tokenizer(captions, padding="max_length", truncation=True, max_length=tokenizer.model_max_length).input_ids
        part = folder / f"{index:04}.part.npz"
        np.savez(part, latents=np.concatenate(latents), ids=np.array(ids, np.uint16),
                 labels=np.concatenate(labels))
        os.replace(part, path)
        print(f"latents: {path.name}", flush=True)


if __name__ == "__main__":
    main()
