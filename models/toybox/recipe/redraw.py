"""Pictures as Toybox draws them, with what they show known: compositions through the VAE and through the last denoising steps.

    python redraw.py --npm NODE_MODULES --work WORK --pipeline PIPELINE --shards 10

A composition is encoded, noised up to a random one of the earlier timesteps and denoised by Toybox: the objects are still
those of the composition, with the softness, the lost details and the dents of a generated picture. The measures are trained
on such pictures too, or they would judge how crisply something is drawn.

Each shard is an .npz of `plain` and `redrawn` (uint8, N x 64 x 64 x 3), `masks` (uint8, N x 4 x 8 x 8), `items` (N x 4 names
such as noto/dog, or nothing) and `contexts`. Shards that exist are kept, so it can be stopped and run again.
"""
import argparse
import os
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from diffusers import StableDiffusionPipeline
from diffusers.models.attention_processor import AttnProcessor

import measure_world
import world
from next_recipe import fast

SHARD, BATCH = 1024, 32
STARTS = (80, 160, 240, 320, 400)
STEP = 80


class Redrawer:
    def __init__(self, folder):
        pipeline = StableDiffusionPipeline.from_pretrained(folder)
        self.tokenizer, self.text = pipeline.tokenizer, pipeline.text_encoder
        self.unet, self.vae = fast.prepare(pipeline.unet, "cpu"), fast.prepare(pipeline.vae, "cpu")
        self.unet.set_attn_processor(AttnProcessor())
        self.alphas = pipeline.scheduler.alphas_cumprod
        self.scale = self.vae.config.scaling_factor

    @torch.no_grad()
    def encode(self, x):
        x = F.interpolate(x, size=(world.SIZE, world.SIZE), mode="bicubic") if world.LARGE else x
        with fast.autocast():
            return self.vae.encode(laid_out(x)).latent_dist.mean.float()

    @torch.no_grad()
    def decode(self, latents):
        with fast.autocast():
            x = self.vae.decode(laid_out(latents)).sample.float().clamp(-1, 1)
        return F.interpolate(x, size=(world.GRID, world.GRID), mode="area") if world.LARGE else x

    @torch.no_grad()
    def redraw(self, latents, captions, start):
        """Noises `latents` up to timestep `start` and takes DDIM steps of 80 back to none."""
        ids = self.tokenizer(captions, padding="max_length", truncation=True,
                             max_length=self.tokenizer.model_max_length, return_tensors="pt").input_ids
        text = self.text(ids)[0]
        a = self.alphas[start]
        x = latents * self.scale
        x = a.sqrt() * x + (1 - a).sqrt() * torch.randn_like(x)
        for t in range(start, 0, -STEP):
            a, b = self.alphas[t], self.alphas[t - STEP] if t > STEP else torch.tensor(1.0)
            with fast.autocast():
                v = self.unet(laid_out(x), t, text).sample.float()
            x = b.sqrt() * (a.sqrt() * x - (1 - a).sqrt() * v) + (1 - b).sqrt() * (a.sqrt() * v + (1 - a).sqrt() * x)
        return x / self.scale


def laid_out(x):
    return x.contiguous(memory_format=torch.channels_last)


def as_bytes(x):
    return ((x.permute(0, 2, 3, 1) + 1) * 127.5).round().byte().numpy()


def caption(items, kind):
    """What Toybox is told; nothing where it has no word for it."""
    words = [name for _, name in items]
    return world.caption(words, kind) if all(w in world.CLASSES for w in words) else ""


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--npm", required=True)
    parser.add_argument("--work", required=True)
    parser.add_argument("--pipeline", required=True)
    parser.add_argument("--shards", type=int, default=10)
    args = parser.parse_args()
    torch.set_num_threads(1)
    folder = Path(args.work) / "redrawn"
    folder.mkdir(parents=True, exist_ok=True)
    sprites, keys, _ = measure_world.load(args.npm, args.work)
    own = [k for k in keys if k[1] in world.CLASSES]
    redrawer = Redrawer(args.pipeline)
    for shard in range(args.shards):
        path = folder / f"{shard:04}.npz"
        if path.exists():
            continue
        torch.manual_seed(shard)
        r = world.seeded(f"redrawn {shard}")
        parts = dict(plain=[], redrawn=[], masks=[], items=[], contexts=[])
        for _ in range(SHARD // BATCH):
            pictures, captions = [], []
            # Toybox helps along what it knows, half of the time.
            known = r.random() < 0.5
            for _ in range(BATCH):
                items = measure_world.choose(r, own if known else keys, own, r.choice([1, 1, 2, 2, 3]))
                kind = world.context(r)
                picture, masks = measure_world.compose(r, sprites, items, kind, r.random() < 0.5)
                pictures.append(np.asarray(picture))
                captions.append(caption(items, kind))
                room = 4 - len(items)
                parts["masks"].append(np.pad((masks * 255).astype(np.uint8), ((0, room), (0, 0), (0, 0))))
                parts["items"].append(["/".join(k) for k in items] + [""] * room)
                parts["contexts"].append(kind)
            latents = redrawer.encode(measure_world.as_input(np.stack(pictures)))
            parts["plain"].append(as_bytes(redrawer.decode(latents)))
            parts["redrawn"].append(as_bytes(redrawer.decode(redrawer.redraw(latents, captions, r.choice(STARTS)))))
        arrays = {k: np.concatenate(v) if k in ("plain", "redrawn") else np.array(v) for k, v in parts.items()}
        part = path.with_suffix(".part.npz")
        np.savez(part, **arrays)
        os.replace(part, path)
        print(path.name, flush=True)


if __name__ == "__main__":
    main()
