"""Trains the two towers on compositions of Toybox's world, without a drawing of the held-out subjects.

    python train_towers.py --work WORK [--minutes 15]

WORK is that of `models/toybox/recipe/train.sh`. The loss is CLIP's (contrastive, both ways). Colour, blur and noise vary, so that
soft pictures are judged by what they show. Resumes from WORK/towers.pt; writes towers.safetensors here. Printed at the end: how often a new caption is
found among 100 by its picture, and a picture by its caption, also of drawings of the held-out subjects, which it has never seen.
"""
import argparse
import os
import random
import time
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

import paths  # noqa: F401
import towers
from captions import WORDS, caption
from contexts import CONTEXTS
from measure_world import open_world
from towers import Towers
from train_embedding import augment
from world import World

RATE, BATCH = 2e-3, 96


def examples(r, world, count, words=WORDS):
    """Pictures and captions of these class words, no caption twice."""
    plans = {}
    while len(plans) < count:
        chosen, kind = r.sample(words, r.choices([1, 2, 3, 4], [0.4, 0.3, 0.15, 0.15])[0]), r.choice(CONTEXTS)
        plans[caption(chosen, kind)] = ([r.choice(world.of[word]) for word in chosen], kind)
    return world.compose(r, list(plans.values())), list(plans)


def loss(model, x, captions):
    likeness = model.scale.exp().clamp(max=100) * model.pictures(x) @ model.texts(captions).T
    right = torch.arange(len(x))
    return (F.cross_entropy(likeness, right) + F.cross_entropy(likeness.T, right)) / 2


@torch.no_grad()
def found(model, world, words=WORDS):
    """Shares of 400 captions that are found by their picture among 100, and the other way round."""
    model.eval()
    r, right = random.Random("found"), []
    for _ in range(4):
        x, captions = examples(r, world, 100, words)
        likeness = model.pictures(x) @ model.texts(captions).T
        right.append([(likeness.argmax(way) == torch.arange(100)).float().mean().item() for way in (1, 0)])
    model.train()
    return " and ".join(f"{100 * share:.1f} %" for share in np.mean(right, 0))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--minutes", type=float, default=15, help="all training, earlier runs included")
    args = parser.parse_args()
    torch.set_num_threads(1)
    world, subjects = open_world(args.work), World([args.work / "held-out.npz"])
    torch.manual_seed(0)
    model = Towers().to(memory_format=torch.channels_last)
    optimiser = torch.optim.AdamW(model.parameters(), RATE, weight_decay=0.05)
    step, before, checkpoint = 0, 0.0, args.work / "towers.pt"
    if checkpoint.exists():
        state = torch.load(checkpoint, weights_only=True)
        model.load_state_dict(state["model"])
        optimiser.load_state_dict(state["optimiser"])
        step, before = state["step"], state["seconds"]
    r, start, total = random.Random(f"towers {step}"), time.process_time(), 60 * args.minutes

    def save(spent):
        partial = checkpoint.with_suffix(".part")
        torch.save(dict(model=model.state_dict(), optimiser=optimiser.state_dict(), step=step, seconds=spent), partial)
        os.replace(partial, checkpoint)

    while (spent := before + time.process_time() - start) < total:
        for group in optimiser.param_groups:
            group["lr"] = RATE * min(1, (step + 1) / 100) * max(0.01, min(1, 1.5 * (1 - spent / total)))
        x, captions = examples(r, world, BATCH)
        value = loss(model, augment(x).contiguous(memory_format=torch.channels_last), captions)
        optimiser.zero_grad(set_to_none=True)
        value.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
        step += 1
        if step % 50 == 0:
            print(f"step {step} loss {value.item():.3f}, {(total - spent) / 60:.0f} minutes to go; found {found(model, world)}", flush=True)
            save(spent)
    save(before + time.process_time() - start)
    towers.save(model)
    print(f"{step} steps of {BATCH}; found of drawings trained on: {found(model, world)}; of the held-out subjects: {found(model, subjects, list(subjects.of))}")


if __name__ == "__main__":
    main()
