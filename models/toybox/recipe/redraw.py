"""Pictures as Toybox draws them, with what they show known: compositions through the VAE and through the last denoising steps.

    python redraw.py --work WORK --shards 10

A composition is encoded, noised up to a random one of the earlier timesteps and denoised: the things are still those of the
composition, with the softness, the lost details and the dents of a generated picture. The measures are trained on such pictures too,
or they would judge how crisply something is drawn.

Each shard is an .npz of `plain` and `redrawn` (uint8, N x 128 x 128 x 3), `masks` (uint8, N x 4 x 8 x 8), `drawings` (int16, N x 4
numbers of drawings in `sprites.npz`, -1 for none) and `contexts` (int8). Shards that exist are kept, so it can be stopped and run again.
"""
import argparse
import os
import random
from pathlib import Path

import numpy as np
import torch

import measure_world
from captions import STYLES, article, caption
from contexts import CONTEXTS
from draw import Drawer
from fast import autocast
from model import SCHEDULER
from world import PLAIN

SHARD, BATCH = 1024, 32
STARTS = (80, 160, 240, 320, 400)
STEP = 80


class Redrawer:
    def __init__(self, work):
        from diffusers import DDIMScheduler
        self.drawer = Drawer(work)
        self.scale = self.drawer.numbers["scale"]
        self.alphas = DDIMScheduler(**SCHEDULER).alphas_cumprod

    @torch.no_grad()
    def encode(self, pictures):
        with autocast():
            return self.drawer.vae.encode(laid_out(pictures)).latent_dist.mean.float()

    @torch.no_grad()
    def decode(self, latents):
        with autocast():
            return self.drawer.vae.decode(laid_out(latents)).sample.float()

    @torch.no_grad()
    def redraw(self, latents, captions, start):
        """Noises `latents` up to timestep `start` and takes DDIM steps of 80 back to none."""
        text = self.drawer.embed(captions)
        a = self.alphas[start]
        x = latents * self.scale
        x = a.sqrt() * x + (1 - a).sqrt() * torch.randn_like(x)
        for t in range(start, 0, -STEP):
            a, b = self.alphas[t], self.alphas[t - STEP] if t > STEP else torch.tensor(1.0)
            with autocast():
                v = self.drawer.unet(laid_out(x), t, text).sample.float()
            x = b.sqrt() * (a.sqrt() * x - (1 - a).sqrt() * v) + (1 - b).sqrt() * (a.sqrt() * v + (1 - a).sqrt() * x)
        return x / self.scale


def laid_out(x):
    return x.contiguous(memory_format=torch.channels_last)


def told(world, plan, style):
    """The caption of a picture whose things are all drawn as captions say them."""
    text = caption([world.words[i] for i in plan[0]], plan[1])
    return f"{article(style)} drawing of {text}" if style else text


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--work", required=True, type=Path)
    parser.add_argument("--shards", type=int, default=10)
    args = parser.parse_args()
    torch.set_num_threads(1)
    folder = args.work / "redrawn"
    folder.mkdir(parents=True, exist_ok=True)
    wanted = [i for i in range(args.shards) if not (folder / f"{i:04}.npz").exists()]
    if not wanted:
        return
    world = measure_world.open_world(args.work)
    drawings = measure_world.distinct(world)
    redrawer = Redrawer(args.work)
    for shard in wanted:
        torch.manual_seed(shard)
        r = random.Random(f"redrawn {shard}")
        kept = {name: [] for name in ("plain", "redrawn", "masks", "drawings", "contexts")}
        for _ in range(SHARD // BATCH):
            plans, captions = [], []
            for _ in range(BATCH):
                count, kind = r.choice([1, 1, 2, 2, 3, 4]), r.choice(CONTEXTS)
                # Half of the time it helps along what it is told; of the others it is told nothing.
                if r.random() < 0.5:
                    style = r.choice([None, *STYLES])
                    plans.append(world.plan(r, count, kind, drawn_in=STYLES.get(style, PLAIN)))
                    captions.append(told(world, plans[-1], style))
                else:
                    plans.append((measure_world.choose(r, world, drawings, count), kind))
                    captions.append("")
            pictures, masks = measure_world.composed(r, world, plans)
            latents = redrawer.encode(pictures)
            kept["plain"].append(measure_world.as_bytes(redrawer.decode(latents)))
            kept["redrawn"].append(measure_world.as_bytes(redrawer.decode(redrawer.redraw(latents, captions, r.choice(STARTS)))))
            kept["masks"].append((masks * 255).byte().numpy())
            kept["drawings"].append(np.array([items + [-1] * (4 - len(items)) for items, _ in plans], np.int16))
            kept["contexts"].append(np.array([CONTEXTS.index(kind) for _, kind in plans], np.int8))
        path = folder / f"{shard:04}.npz"
        part = path.with_suffix(".part.npz")
        np.savez(part, **{name: np.concatenate(parts) for name, parts in kept.items()})
        os.replace(part, path)
        print(path.name, flush=True)


if __name__ == "__main__":
    main()
