"""Trains the classifier that says which of Toybox's things a picture shows and in which context: text alignment.

    python train_classifier.py --npm NODE_MODULES --work WORK --steps 3000

Objects: one yes or no for each class; context: one of 16. Three of four pictures are composed on the fly, the others come from
`redraw.py`. Unlike the embedding it is shown every drawing, those of the held-out subjects too: it is asked which class a picture
shows, never which drawing, and would otherwise take a subject that is drawn well for something else. Resumable: run it again with the same or a larger --steps.
"""
import argparse
import os
import time
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

import measure_world
import world
from classifier import WORDS, Classifier

WIDTHS = (24, 40, 72, 104)


def examples(r, sprites, keys, count, bend=False):
    """`count` compositions of one to three classes: pictures, objects [count, 40] as 0 or 1, contexts."""
    pictures, objects, contexts = [], np.zeros((count, len(WORDS)), np.float32), []
    for i in range(count):
        kind = world.context(r)
        chosen = r.sample(WORDS, r.choice([1, 1, 2, 2, 3]))
        items = [r.choice([k for k in keys if k[1] == w]) for w in chosen]
        pictures.append(np.asarray(measure_world.compose(r, sprites, items, kind, bend and r.random() < 0.5)[0]))
        contexts.append(world.CONTEXTS.index(kind))
        for w in chosen:
            objects[i, WORDS.index(w)] = 1
    return measure_world.as_input(np.stack(pictures)), torch.from_numpy(objects), torch.tensor(contexts)


class Redrawn:
    """The redrawn pictures that show nothing but Toybox's things."""

    def __init__(self, work):
        shards = [np.load(p) for p in sorted((Path(work) / "redrawn").glob("????.npz"))]
        if not shards:
            raise SystemExit("no redrawn pictures: run redraw.py first")
        items = np.concatenate([s["items"] for s in shards])
        known = [all(n.split("/")[1] in world.CLASSES for n in row if n) for row in items]
        self.items = items[known]
        self.pictures = [np.concatenate([s[k] for s in shards])[known] for k in ("plain", "redrawn")]
        self.contexts = np.concatenate([s["contexts"] for s in shards])[known]

    def examples(self, r, count):
        rows = [r.randrange(len(self.items)) for _ in range(count)]
        pictures = np.stack([r.choice(self.pictures)[i] for i in rows])
        if r.random() < 0.5:
            pictures = pictures[:, :, ::-1]
        objects = torch.zeros(count, len(WORDS))
        for n, i in enumerate(rows):
            objects[n, [WORDS.index(name.split("/")[1]) for name in self.items[i] if name]] = 1
        return measure_world.as_input(pictures), objects, torch.tensor([world.CONTEXTS.index(self.contexts[i]) for i in rows])


def soften(x):
    """Blur and noise, so that the classifier judges what is drawn and not how crisply; a slight cast keeps the context's colour."""
    if torch.rand(()) < 0.5:
        size = x.shape[-1]
        small = F.interpolate(x, size=int(torch.randint(7 * size // 16, size, ())), mode="bilinear", antialias=True)
        x = F.interpolate(small, size=size, mode="bilinear")
    x = x + 0.04 * torch.randn(len(x), 3, 1, 1)
    return x + 0.05 * torch.rand(()) * torch.randn_like(x)


@torch.no_grad()
def judge(model, x):
    """Class scores and most likely context of each picture."""
    out = [model(c) for c in x.split(50)]
    return torch.cat([o for o, _ in out]), torch.cat([c for _, c in out]).argmax(1)


def right(scores, wanted):
    """Every wanted object is among the top scores, as many as are wanted, and more likely there than not."""
    top = scores.topk(len(wanted)).indices.tolist()
    return set(top) == {WORDS.index(w) for w in wanted} and all(scores[i] > 0 for i in top)


def real_compositions(model, sprites, keys, count=600):
    """Shares of compositions not seen in training that are judged rightly: by number of objects, and of contexts."""
    x, objects, contexts = examples(world.seeded(999), sprites, keys, count)
    scores, seen = judge(model, x)
    wanted = [[WORDS[i] for i in row.nonzero().flatten()] for row in objects]
    lines = []
    for n in (1, 2, 3):
        rows = [right(s, w) for s, w in zip(scores, wanted) if len(w) == n]
        lines.append(f"{n} object(s) right {100 * np.mean(rows):.1f} % of {len(rows)}")
    return ", ".join(lines) + f", context right {100 * (seen == contexts).float().mean():.1f} %"


def load(work):
    model = Classifier(WIDTHS)
    model.load_state_dict(torch.load(Path(work) / "classifier.pt", weights_only=True)["model"])
    return model.eval()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--npm", required=True)
    parser.add_argument("--work", required=True)
    parser.add_argument("--steps", type=int, default=3000)
    args = parser.parse_args()
    torch.set_num_threads(1)
    work = Path(args.work)
    sprites = world.load_sprites(args.npm, work / "sprites.pkl")
    keys, redrawn = list(sprites), Redrawn(work)
    torch.manual_seed(0)
    model = Classifier(WIDTHS).to(memory_format=torch.channels_last)
    optimiser = torch.optim.AdamW(model.parameters(), 2e-3, weight_decay=0.02)
    step, spent = 0, 0.0
    checkpoint = work / "classifier.pt"
    if checkpoint.exists():
        state = torch.load(checkpoint, weights_only=True)
        model.load_state_dict(state["model"])
        optimiser.load_state_dict(state["optimiser"])
        step, spent = state["step"], state["spent"]

    def save():
        part = checkpoint.with_suffix(".part")
        torch.save(dict(model=model.state_dict(), optimiser=optimiser.state_dict(), step=step, spent=spent), part)
        os.replace(part, checkpoint)

    torch.manual_seed(step)
    r = world.seeded(f"classifier {step}")
    model.train()
    while step < args.steps:
        start = time.process_time()
        for group in optimiser.param_groups:
            group["lr"] = 2e-3 * max(0.01, 1 - step / args.steps)
        x, objects, contexts = (torch.cat(p) for p in zip(examples(r, sprites, keys, 48, True), redrawn.examples(r, 16)))
        with torch.autocast("cpu", torch.bfloat16):
            o, c = model(soften(x).contiguous(memory_format=torch.channels_last))
        loss = F.binary_cross_entropy_with_logits(o.float(), objects) * 10 + F.cross_entropy(c.float(), contexts)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        optimiser.step()
        step += 1
        spent += time.process_time() - start
        if step % 200 == 0:
            print(f"classifier step {step} seconds {spent:.0f} loss {loss.item():.3f}", flush=True)
            save()
    save()
    print("real compositions:", real_compositions(model.eval(), sprites, keys))


if __name__ == "__main__":
    main()
