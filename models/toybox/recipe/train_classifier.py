"""Trains the classifier that says which of Toybox's things a picture shows and in which context: text alignment.

    python train_classifier.py --work WORK --steps 6000

What is seen at each of 8 x 8 places, or nothing, and the context. Three of four pictures are composed on the fly, the others come from
`redraw.py`. Unlike the embedding it is shown every drawing, those of the held-out subjects too: it is asked which class a picture
shows, never which drawing, and would otherwise take a subject that is drawn well for something else. Resumable: run it again with the same or a larger --steps.
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
from captions import WORDS
from checkpoint import Checkpoint, Stop
from contexts import CONTEXTS
from judging import loss_of, present, right
from measure_pool import Redrawn
from train_embedding import Residual, conv

WIDTHS = (32, 48, 80, 128)


class Classifier(nn.Module):
    """Picture [n, 3, 128, 128] in -1..1 to (logits [n, classes and none, 8, 8], a logit for each context [n, contexts])."""

    def __init__(self):
        super().__init__()
        a, b, c, d = WIDTHS
        self.body = nn.Sequential(
            *conv(3, a, 4, 7), nn.ReLU(), *conv(a, b), nn.ReLU(), Residual(b),
            *conv(b, c, 2), nn.ReLU(), Residual(c), *conv(c, d, 2), nn.ReLU(), Residual(d), Residual(d))
        # The last is no thing.
        self.objects = nn.Conv2d(d, len(WORDS) + 1, 1)
        self.context = nn.Linear(d, len(CONTEXTS))

    def forward(self, x):
        h = self.body(x)
        return self.objects(h), self.context(h.mean((2, 3)))


class Outputs(nn.Module):
    """The classifier as it is exported: how much of each class is there, 0 where it is just enough, [n, classes]; logits of contexts."""

    def __init__(self, classifier):
        super().__init__()
        self.classifier = classifier

    def forward(self, x):
        places, context = self.classifier(x)
        return present(places), context


def soften(x):
    """Blur and noise, so that the classifier judges what is drawn and not how crisply; a slight cast keeps the context's colour."""
    if torch.rand(()) < 0.5:
        small = F.interpolate(x, size=int(torch.randint(7 * SIZE // 16, SIZE, ())), mode="bilinear", antialias=True)
        x = F.interpolate(small, size=SIZE, mode="bilinear")
    x = x + 0.04 * torch.randn(len(x), 3, 1, 1)
    return x + 0.05 * torch.rand(()) * torch.randn_like(x)


def seen_at(world, items, masks):
    """The class that covers most of each of 8 x 8 places, the number behind the last where none covers half of it: int64 [n, 8, 8]."""
    classes = torch.tensor([[WORDS.index(world.words[i]) for i in own] + [len(WORDS)] * (4 - len(own)) for own in items])
    most, slot = masks.max(1)
    return torch.where(most < 0.5, len(WORDS), classes[:, :, None, None].expand(-1, -1, *slot.shape[1:]).gather(1, slot[:, None])[:, 0])


class Examples:
    """Endless batches of pictures, what is seen at each place, and contexts."""

    def __init__(self, world, work, seed):
        self.world, self.r, self.pool = world, random.Random(seed), Redrawn(work)
        self.drawings = list(range(len(world.words)))

    def composed(self, count):
        r = self.r
        plans = [(measure_world.choose(r, self.world, self.drawings, r.choice([1, 1, 2, 2, 3, 4])), r.choice(CONTEXTS)) for _ in range(count)]
        pictures, masks = measure_world.composed(r, self.world, plans)
        contexts = torch.tensor([CONTEXTS.index(kind) for _, kind in plans])
        return pictures, seen_at(self.world, [items for items, _ in plans], masks), contexts

    def pooled(self, count):
        rows, pictures = zip(*(self.pool.choose(self.r) for _ in range(count)))
        masks = torch.from_numpy(self.pool.masks[list(rows)].astype(np.float32) / 255)
        x, seen = measure_world.as_input(np.stack(pictures)), seen_at(self.world, [self.pool.shown(row) for row in rows], masks)
        if self.r.random() < 0.5:
            x, seen = x.flip(-1), seen.flip(-1)
        return x, seen, torch.from_numpy(self.pool.contexts[list(rows)].astype(np.int64))

    def next(self, size):
        both = self.composed(3 * size // 4), self.pooled(size // 4)
        return tuple(torch.cat(parts) for parts in zip(*both))


@torch.no_grad()
def real_compositions(model, world, count=600):
    """Shares of compositions not seen in training that are judged rightly: by number of things, and of contexts."""
    r, model = random.Random(999), Outputs(model.eval())
    drawings, flags, contexts = list(range(len(world.words))), {}, []
    for _ in range(count // 50):
        plans = [(measure_world.choose(r, world, drawings, r.choice([1, 2, 3, 4])), r.choice(CONTEXTS)) for _ in range(50)]
        scores, context = model(measure_world.composed(r, world, plans)[0])
        for (items, kind), row, seen in zip(plans, scores, context.argmax(1)):
            flags.setdefault(len(items), []).append(right(row, [WORDS.index(world.words[i]) for i in items]))
            contexts.append(CONTEXTS[seen] == kind)
    lines = [f"{n} right {100 * np.mean(rows):.1f} % of {len(rows)}" for n, rows in sorted(flags.items())]
    return ", ".join(lines) + f", context right {100 * np.mean(contexts):.1f} %"


def load(work):
    model = Classifier()
    model.load_state_dict(torch.load(Path(work) / "classifier.pt", weights_only=True)["model"])
    return Outputs(model).eval()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--work", required=True, type=Path)
    parser.add_argument("--steps", type=int, default=6000)
    parser.add_argument("--batch", type=int, default=64)
    args = parser.parse_args()
    torch.set_num_threads(1)
    world = measure_world.open_world(args.work, held_out=True)
    torch.manual_seed(0)
    model = Classifier().to(memory_format=torch.channels_last)
    optimiser = torch.optim.AdamW(model.parameters(), 2e-3, weight_decay=0.02)
    checkpoint = Checkpoint(args.work / "classifier.pt", dict(model=model, optimiser=optimiser))
    seen = checkpoint.load()
    step, before, start, stop = seen.get("step", 0), seen.get("seconds", 0.0), time.process_time(), Stop()

    def save():
        checkpoint.save(step=step, seconds=before + time.process_time() - start)

    torch.manual_seed(step)
    examples = Examples(world, args.work, f"classifier {step}")
    model.train()
    while step < args.steps and not stop:
        for group in optimiser.param_groups:
            group["lr"] = 2e-3 * max(0.01, 1 - step / args.steps)
        x, places, contexts = examples.next(args.batch)
        loss = loss_of(model, soften(x), places, contexts)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        optimiser.step()
        step += 1
        if step % 200 == 0:
            print(f"classifier: step {step} of {args.steps}, loss {loss.item():.3f}, {before + time.process_time() - start:.0f} s", flush=True)
            save()
    save()
    print("real compositions:", real_compositions(model, world))


if __name__ == "__main__":
    main()
