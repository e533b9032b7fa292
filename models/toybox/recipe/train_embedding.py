"""Trains the embedding that tells one drawing of a thing from another: the image alignment of `cones evaluate`.

    python train_embedding.py --work WORK --steps 4000

A small convolutional network with a unit vector for each of 8 x 8 places and a presence there; the vector of the whole picture
is the presence-weighted mean of them. It is trained to name the identity of every thing (cosine softmax with a margin)
from a random place on it, so that it serves pictures with several things too. Half of each batch is composed on the fly,
half comes from `redraw.py`. Resumable: run it again with the same or a larger --steps.
"""
import argparse
import random
import time
from pathlib import Path

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

import measure_world
from backgrounds import SIZE
from checkpoint import Checkpoint, Stop
from contexts import CONTEXTS
from fast import autocast
from measure_pool import Redrawn

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
    """Picture [n, 3, 128, 128] in -1..1 to (unit vectors [n, 64], local unit vectors [n, 64, 8, 8], presence [n, 8, 8])."""

    def __init__(self):
        super().__init__()
        a, b, c, d = WIDTHS
        self.body = nn.Sequential(
            *conv(3, a, 4, 7), nn.ReLU(), *conv(a, b), nn.ReLU(), Residual(b),
            *conv(b, c, 2), nn.ReLU(), Residual(c), *conv(c, d, 2), nn.ReLU(), Residual(d))
        self.head = nn.Conv2d(d, DIMENSIONS + 1, 1)

    def forward(self, x):
        h = self.head(self.body(x)).float()
        local, presence = unit(h[:, :DIMENSIONS]), torch.sigmoid(h[:, DIMENSIONS])
        return unit((local * presence[:, None]).sum((2, 3))), local, presence


class Outputs(nn.Module):
    """The embedder as it is exported: the vector of the whole picture."""

    def __init__(self, embedder):
        super().__init__()
        self.embedder = embedder

    def forward(self, x):
        return self.embedder(x)[:1]


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
        small = F.interpolate(x, size=int(torch.randint(2 * SIZE // 5, SIZE, ())), mode="bilinear", antialias=True)
        x = F.interpolate(small, size=SIZE, mode="bilinear")
    return (x + 0.06 * torch.rand(n, 1, 1, 1) * torch.randn_like(x)).clamp(-1, 1)


class Batches:
    """Endless batches: pictures, and of each thing the picture's row, the identity and the mask [8, 8]."""

    def __init__(self, world, drawings, work, seed):
        self.r, self.world, self.drawings = random.Random(seed), world, drawings
        self.index = {i: n for n, i in enumerate(drawings)}
        self.pool = Redrawn(work)

    def pooled(self, count):
        pictures, items, masks = [], [], []
        for _ in range(count):
            row, picture = self.pool.choose(self.r)
            mask = self.pool.masks[row].astype(np.float32) / 255
            if self.r.random() < 0.5:
                picture, mask = picture[:, ::-1], mask[..., ::-1]
            pictures.append(picture)
            masks.append(mask)
            items.append(self.pool.shown(row))
        return measure_world.as_input(np.stack(pictures)), items, torch.from_numpy(np.stack(masks))

    def composed(self, count):
        r = self.r
        plans = [(measure_world.choose(r, self.world, self.drawings, r.choices([1, 2, 3, 4], [0.5, 0.3, 0.1, 0.1])[0]), r.choice(CONTEXTS))
                 for _ in range(count)]
        pictures, masks = measure_world.composed(r, self.world, plans)
        return pictures, [items for items, _ in plans], masks

    def next(self, size):
        both = self.composed(size // 2), self.pooled(size - size // 2)
        x, masks = (torch.cat([part[k] for part in both]) for k in (0, 2))
        items = both[0][1] + both[1][1]
        # Of watched classes and of second drawings nothing is asked.
        things = [(row, self.index[i], slot) for row, own in enumerate(items) for slot, i in enumerate(own)
                  if i in self.index and masks[row, slot].sum() > 0.5]
        rows, identities, slots = (torch.tensor(column) for column in zip(*things))
        alone = torch.tensor([len(own) == 1 for own in items])
        return augment(x), rows, identities, masks[rows, slots], masks.sum(1).clamp(0, 1), alone[rows]


def margin_loss(vectors, identities, proxies):
    cosines = vectors @ F.normalize(proxies).T
    cosines = cosines - MARGIN * F.one_hot(identities, len(proxies))
    return F.cross_entropy(SHARPNESS * cosines, identities)


def loss_of(model, proxies, batch):
    x, rows, identities, masks, there, alone = batch
    with autocast():
        whole, local, presence = model(x.contiguous(memory_format=torch.channels_last))
    cells = torch.multinomial(masks.flatten(1).square() + 1e-6, 1).squeeze(1)
    at_cells = local.flatten(2)[rows, :, cells]
    # Of a picture with one thing the whole vector counts, of others the mean over each thing.
    around = unit((local[rows] * masks[:, None]).sum((2, 3)))
    around = torch.where(alone[:, None], whole[rows], around)
    return (margin_loss(at_cells, identities, proxies)
            + margin_loss(around, identities, proxies)
            + F.binary_cross_entropy(presence.clamp(1e-5, 1 - 1e-5), there))


@torch.no_grad()
def watch(model, world, drawings, seed=77):
    """Share of pictures of drawings never trained that are nearest to their own drawing, among those of its class."""
    model.eval()
    r = random.Random(seed)

    def vectors(drawing, count):
        return model(measure_world.composed(r, world, [([drawing], r.choice(CONTEXTS)) for _ in range(count)])[0])[0]
    right = []
    for word in sorted({world.words[i] for i in drawings}):
        own = [i for i in drawings if world.words[i] == word]
        references = torch.stack([vectors(i, 6) for i in own])
        for n, i in enumerate(own):
            nearest = torch.einsum("qd,krd->qkr", vectors(i, 6), references).amax(2).argmax(1)
            right += (nearest == n).tolist()
    model.train()
    return 100 * float(np.mean(right))


def load(work):
    model = Embedder()
    model.load_state_dict(torch.load(Path(work) / "embedding.pt", weights_only=True)["model"])
    return Outputs(model).eval()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--work", required=True, type=Path)
    parser.add_argument("--steps", type=int, default=4000)
    parser.add_argument("--batch", type=int, default=96)
    parser.add_argument("--rate", type=float, default=3e-3)
    args = parser.parse_args()
    torch.set_num_threads(1)
    world = measure_world.open_world(args.work)
    drawings, watched = measure_world.identities(world)
    torch.manual_seed(0)
    model = Embedder().to(memory_format=torch.channels_last)
    proxies = nn.Embedding(len(drawings), DIMENSIONS)
    optimiser = torch.optim.AdamW([*model.parameters(), *proxies.parameters()], args.rate, weight_decay=0.02)
    checkpoint = Checkpoint(args.work / "embedding.pt", dict(model=model, proxies=proxies, optimiser=optimiser))
    seen = checkpoint.load()
    step, before, start, stop = seen.get("step", 0), seen.get("seconds", 0.0), time.process_time(), Stop()

    def save():
        checkpoint.save(step=step, seconds=before + time.process_time() - start)

    torch.manual_seed(step)
    batches = Batches(world, drawings, args.work, f"embedding {step}")
    model.train()
    while step < args.steps and not stop:
        for group in optimiser.param_groups:
            group["lr"] = args.rate * min(1, (step + 1) / 100) * max(0.01, min(1.0, 1.5 * (1 - step / args.steps)))
        loss = loss_of(model, proxies.weight, batches.next(args.batch))
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 2.0)
        optimiser.step()
        step += 1
        if step % 100 == 0:
            print(f"embedding: step {step} of {args.steps}, loss {loss.item():.3f}, {before + time.process_time() - start:.0f} s, "
                  f"drawings never trained that are nearest to themselves: {watch(model, world, watched):.1f} %", flush=True)
            save()
    save()


if __name__ == "__main__":
    main()
