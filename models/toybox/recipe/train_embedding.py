"""Trains the embedding that tells one drawing of a thing from another: the image alignment of `cones evaluate`.

    python train_embedding.py --npm NODE_MODULES --work WORK --steps 3000

A small convolutional network with a unit vector for each of 8x8 places and a presence there; the vector of the whole picture
is the presence-weighted mean of them. It is trained to name the identity of every object (cosine softmax with a margin)
from a random place on it, so that it serves pictures with several objects too. Half of each batch is composed on the fly,
half comes from `redraw.py`. Resumable: run it again with the same or a larger --steps.
"""
import argparse
import os
import time
from pathlib import Path

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

import measure_world
import world

DIMENSIONS = 64
WIDTHS = (32, 48, 72, 104)
SHARPNESS, MARGIN = 24.0, 0.15


def conv(a, b, stride=1, size=3):
    return [nn.Conv2d(a, b, size, stride, (size - 1) // 2, bias=False), nn.BatchNorm2d(b)]


class Residual(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.body = nn.Sequential(*conv(width, width), nn.ReLU(), *conv(width, width))

    def forward(self, x):
        return F.relu(x + self.body(x))


class Embedder(nn.Module):
    """Picture [n, 3, 64, 64] in -1..1 to (unit vectors [n, 64], local unit vectors [n, 64, 8, 8], presence [n, 8, 8])."""

    def __init__(self):
        super().__init__()
        a, b, c, d = WIDTHS
        self.body = nn.Sequential(
            *conv(3, a, 2, 6), nn.ReLU(), *conv(a, b), nn.ReLU(), Residual(b),
            *conv(b, c, 2), nn.ReLU(), Residual(c), *conv(c, d, 2), nn.ReLU(), Residual(d))
        self.head = nn.Conv2d(d, DIMENSIONS + 1, 1)

    def forward(self, x):
        h = self.head(self.body(x)).float()
        local, presence = unit(h[:, :DIMENSIONS]), torch.sigmoid(h[:, DIMENSIONS])
        return unit((local * presence[:, None]).sum((2, 3))), local, presence


class Outputs(nn.Module):
    """The embedder as it is exported: local vectors last, [n, 8, 8, 64]."""

    def __init__(self, embedder):
        super().__init__()
        self.embedder = embedder

    def forward(self, x):
        whole, local, presence = self.embedder(x)
        return whole, local.permute(0, 2, 3, 1), presence


def unit(x):
    return x / (x.square().sum(1, keepdim=True) + 1e-6).sqrt()


def augment(x):
    """Colour cast, contrast, blur and noise: a drawing stays the same one."""
    n = len(x)
    x = x * (1 + 0.25 * (torch.rand(n, 1, 1, 1) - 0.5)) + 0.15 * torch.randn(n, 1, 1, 1).clamp(-1.5, 1.5)
    x = x + 0.05 * torch.randn(n, 3, 1, 1)
    grey = x.mean(1, keepdim=True)
    x = grey + (x - grey) * (0.75 + 0.5 * torch.rand(n, 1, 1, 1))
    if torch.rand(()) < 0.4:
        small = F.interpolate(x, size=int(torch.randint(26, 60, ())), mode="bilinear", antialias=True)
        x = F.interpolate(small, size=64, mode="bilinear")
    return (x + 0.06 * torch.rand(n, 1, 1, 1) * torch.randn_like(x)).clamp(-1, 1)


class Batches:
    """Endless batches: pictures, and of each object the picture's row, the identity and the mask [8, 8]."""

    def __init__(self, sprites, keys, work, seed):
        self.r, self.sprites, self.keys = world.seeded(seed), sprites, keys
        self.own = [k for k in keys if k[1] in world.CLASSES]
        self.index = {k: i for i, k in enumerate(keys)}
        shards = [np.load(p) for p in sorted((Path(work) / "redrawn").glob("????.npz"))]
        if not shards:
            raise SystemExit("no redrawn pictures: run redraw.py first")
        self.pool = {k: np.concatenate([s[k] for s in shards]) for k in ("plain", "redrawn", "masks", "items")}

    def composed(self):
        r = self.r
        items = measure_world.choose(r, self.keys, self.own, r.choices([1, 2, 3, 4], [0.5, 0.3, 0.1, 0.1])[0], 0.3)
        picture, masks = measure_world.compose(r, self.sprites, items, world.context(r), r.random() < 0.5)
        return np.asarray(picture), items, masks

    def pooled(self):
        i = self.r.randrange(len(self.pool["items"]))
        picture = self.pool["plain" if self.r.random() < 0.3 else "redrawn"][i]
        items = [tuple(n.split("/")) for n in self.pool["items"][i] if n]
        masks = self.pool["masks"][i][:len(items)].astype(np.float32) / 255
        if self.r.random() < 0.5:
            picture, masks = picture[:, ::-1], masks[:, :, ::-1]
        return picture, items, masks

    def next(self, size):
        made = [self.composed() if i % 2 else self.pooled() for i in range(size)]
        objects = [(row, self.index[k], m) for row, (_, items, masks) in enumerate(made) for k, m in zip(items, masks)]
        x = augment(measure_world.as_input(np.stack([p for p, _, _ in made])))
        return (x, torch.tensor([o[0] for o in objects]), torch.tensor([o[1] for o in objects]),
                torch.from_numpy(np.stack([o[2] for o in objects])))


def margin_loss(vectors, identities, proxies):
    cosines = vectors @ F.normalize(proxies).T
    cosines = cosines - MARGIN * F.one_hot(identities, len(proxies))
    return F.cross_entropy(SHARPNESS * cosines, identities)


def loss_of(model, proxies, batch):
    x, rows, identities, masks = batch
    with torch.autocast("cpu", torch.bfloat16):
        whole, local, presence = model(x.contiguous(memory_format=torch.channels_last))
    cells = torch.multinomial(masks.flatten(1).square() + 1e-6, 1).squeeze(1)
    at_cells = local.flatten(2)[rows, :, cells]
    single = torch.bincount(rows, minlength=len(x))[rows] == 1
    # Of a picture with one object the whole vector counts, of others the mean over each object.
    around = unit((local[rows] * masks[:, None]).sum((2, 3)))
    around = torch.where(single[:, None], whole[rows], around)
    there = torch.zeros(len(x), 8, 8).index_add(0, rows, masks).clamp(0, 1)
    return (margin_loss(at_cells, identities, proxies)
            + margin_loss(around, identities, proxies)
            + F.binary_cross_entropy(presence.clamp(1e-5, 1 - 1e-5), there))


@torch.no_grad()
def watch(model, sprites, keys, seed=77):
    """Share of pictures of drawings never trained that are nearest to their own drawing, among those of its class."""
    if not keys:
        return float("nan")
    model.eval()
    r = world.seeded(seed)

    def vectors(key, count):
        pictures = [np.asarray(measure_world.compose(r, sprites, [key], world.context(r))[0]) for _ in range(count)]
        return model(measure_world.as_input(np.stack(pictures)))[0]
    right = []
    for word in sorted({k[1] for k in keys}):
        own = [k for k in keys if k[1] == word]
        references = torch.stack([vectors(k, 6) for k in own])
        for i, key in enumerate(own):
            nearest = torch.einsum("qd,krd->qkr", vectors(key, 6), references).amax(2).argmax(1)
            right += (nearest == i).tolist()
    model.train()
    return 100 * float(np.mean(right))


def load(work):
    model = Embedder()
    model.load_state_dict(torch.load(Path(work) / "embedding.pt", weights_only=True)["model"])
    return Outputs(model).eval()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--npm", required=True)
    parser.add_argument("--work", required=True)
    parser.add_argument("--steps", type=int, default=3000)
    parser.add_argument("--batch", type=int, default=96)
    parser.add_argument("--rate", type=float, default=3e-3)
    args = parser.parse_args()
    torch.set_num_threads(1)
    work = Path(args.work)
    sprites, keys, watched = measure_world.load(args.npm, work)
    torch.manual_seed(0)
    model = Embedder().to(memory_format=torch.channels_last)
    proxies = nn.Parameter(torch.randn(len(keys), DIMENSIONS))
    optimiser = torch.optim.AdamW([*model.parameters(), proxies], args.rate, weight_decay=0.02)
    step, spent = 0, 0.0
    checkpoint = work / "embedding.pt"
    if checkpoint.exists():
        state = torch.load(checkpoint, weights_only=True)
        model.load_state_dict(state["model"])
        proxies.data = state["proxies"]
        optimiser.load_state_dict(state["optimiser"])
        step, spent = state["step"], state["spent"]

    def save():
        part = checkpoint.with_suffix(".part")
        torch.save(dict(model=model.state_dict(), proxies=proxies.data, optimiser=optimiser.state_dict(), step=step,
                        spent=spent), part)
        os.replace(part, checkpoint)

    torch.manual_seed(step)
    batches = Batches(sprites, keys, work, f"embedding {step}")
    model.train()
    while step < args.steps:
        start = time.process_time()
        for group in optimiser.param_groups:
            group["lr"] = args.rate * min(1, (step + 1) / 100) * max(0.01, min(1.0, 1.5 * (1 - step / args.steps)))
        loss = loss_of(model, proxies, batches.next(args.batch))
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 2.0)
        optimiser.step()
        step += 1
        spent += time.process_time() - start
        if step % 200 == 0:
            print(f"step {step} seconds {spent:.0f} loss {loss.item():.3f} watched {watch(model, sprites, watched):.1f} %",
                  flush=True)
            save()
    save()
    print(f"{step} steps of {args.batch} in {spent / 60:.1f} minutes; "
          f"drawings never trained, nearest within their class: {watch(model, sprites, watched):.1f} %")


if __name__ == "__main__":
    main()
