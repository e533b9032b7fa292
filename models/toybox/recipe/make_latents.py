"""Encodes a pool of training pictures with the finished VAE, so that the U-Net's training reads latents only.

    python make_latents.py --work WORK --shards 40 [--worker 0/4]

Each shard is an .npz of
- `latents`: float16, N x channels x 16 x 16, unscaled posterior means;
- `ids`: uint16, N x 32;
- `labels`: int16, N x 5: the classes' numbers, -1 for none, and the context's;
- `owners`: int8, N x 32: the thing that each token speaks of, 0 to 3, or -1;
- `shown`: int8, N x 16 x 16: the thing that covers most of each place, or -1.
Shards that exist are kept, so it can be stopped and run again; the trainer picks up shards as they appear. Several workers share one
list.
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


def tokens(tokenizer, examples):
    """Token ids and whom each token speaks of, both (n, tokens)."""
    found = tokenizer(examples.texts, padding="max_length", truncation=True, max_length=tokenizer.model_max_length,
                      return_offsets_mapping=True)
    owners = np.full(np.shape(found.input_ids), -1, np.int8)
    for row, (offsets, spans) in enumerate(zip(found.offset_mapping, examples.spans)):
        for thing, (start, end) in enumerate(spans):
            for column, (a, b) in enumerate(offsets):
                if a < b and a < end and b > start:
                    owners[row, column] = thing
    return np.array(found.input_ids, np.uint16), owners


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
    world = World([args.work / "sprites.npz"], DEVICE)
    tokenizer = CLIPTokenizer.from_pretrained(args.work / "tokenizer")
    vae = prepare(load_vae(args.work))
    for index in wanted:
        path = folder / f"{index:04}.npz"
        r = random.Random(10_000 + index)
        kept = {"latents": [], "ids": [], "labels": [], "owners": [], "shown": []}
        for _ in range(-(-SHARD // args.batch)):
            examples = world.sample(r, args.batch)
            x = examples.pictures.contiguous(memory_format=torch.channels_last)
            with torch.no_grad(), autocast():
                mean = vae.encode(x).latent_dist.mean
            ids, owners = tokens(tokenizer, examples)
            kept["latents"].append(mean.half().contiguous().cpu().numpy())
            kept["ids"].append(ids)
            kept["labels"].append(world.labels(examples.plans))
            kept["owners"].append(owners)
            kept["shown"].append(examples.shown.cpu().numpy())
        part = folder / f"{index:04}.part.npz"
        np.savez(part, **{name: np.concatenate(parts) for name, parts in kept.items()})
        os.replace(part, path)
        print(f"latents: {path.name}", flush=True)


if __name__ == "__main__":
    main()
