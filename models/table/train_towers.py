"""Trains the two towers on compositions of Toybox's world, without a drawing of the held-out subjects.

    python train_towers.py --npm NODE_MODULES --sprites SPRITES --work WORK [--minutes 15]

NODE_MODULES has the artwork (`models/toybox/recipe/train.sh` says which packages), SPRITES is what Toybox 2's `artwork.py` made of eight sets: with the three
of Toybox alone, the subjects' own drawings lay further from their words. The loss is CLIP's (contrastive, both ways). Colour, blur and noise vary, so that
soft pictures are judged by what they show. Resumes from WORK/towers.pt; writes towers.safetensors here. Printed at the end: how often a new caption is
found among 100 by its picture, and a picture by its caption, also of drawings of the held-out subjects, which it has never seen. Needs CairoSVG beside the bench's
requirements.
"""
import argparse
import os
import time
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image

import paths  # noqa: F401
import towers
import world
from measure_world import as_input
from towers import Towers
from train_embedding import augment

RATE, BATCH = 2e-3, 96


def examples(r, sprites, keys, count):
    """Pictures and captions, no caption twice."""
    pictures, captions = [], []
    while len(captions) < count:
        chosen = r.sample(list(world.CLASSES), r.choices([1, 2, 3, 4], [0.4, 0.3, 0.15, 0.15])[0])
        kind = world.context(r)
        caption = world.caption(chosen, kind)
        items = [r.choice([key for key in keys if key[1] == word]) for word in chosen]
        if caption not in captions:
            captions.append(caption)
            pictures.append(np.asarray(world.compose(r, sprites, items, kind)))
    return as_input(np.stack(pictures)), captions


def more_sprites(file):
    """Drawings of Toybox's classes, {(artwork set, class, number): RGBA image}; `artwork.py` leaves out the held-out subjects in both Fluent sets."""
    with np.load(file) as kept:
        names = [str(name).split("/") for name in kept["keys"]]
        return {(name, word, i): Image.frombytes("RGBa", (pixels.shape[1], pixels.shape[0]), pixels.tobytes()).convert("RGBA")
                for i, ((name, word), pixels) in enumerate(zip(names, kept["sprites"])) if word in world.CLASSES}


def loss(model, x, captions):
    likeness = model.scale.exp().clamp(max=100) * model.pictures(x) @ model.texts(captions).T
    right = torch.arange(len(x))
    return (F.cross_entropy(likeness, right) + F.cross_entropy(likeness.T, right)) / 2


@torch.no_grad()
def found(model, sprites, keys):
    """Shares of 400 captions that are found by their picture among 100, and the other way round."""
    model.eval()
    r, right = world.seeded("found"), []
    for _ in range(4):
        x, captions = examples(r, sprites, keys, 100)
        likeness = model.pictures(x) @ model.texts(captions).T
        right.append([(likeness.argmax(way) == torch.arange(100)).float().mean().item() for way in (1, 0)])
    model.train()
    return " and ".join(f"{100 * share:.1f} %" for share in np.mean(right, 0))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--npm", required=True)
    parser.add_argument("--sprites", required=True, type=Path)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--minutes", type=float, default=15, help="all training, earlier runs included")
    args = parser.parse_args()
    args.work.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)
    sprites = world.load_sprites(args.npm, args.work / "sprites.pkl")
    keys = world.training_keys(sprites)
    subjects = [key for key in sprites if key in world.HELD_OUT or key[1] not in [word for _, word in world.HELD_OUT]]
    others = more_sprites(args.sprites)
    sprites, keys = sprites | others, [*keys, *others]
    torch.manual_seed(0)
    model = Towers(list(world.CLASSES)).to(memory_format=torch.channels_last)
    optimiser = torch.optim.AdamW(model.parameters(), RATE, weight_decay=0.05)
    step, before, checkpoint = 0, 0.0, args.work / "towers.pt"
    if checkpoint.exists():
        state = torch.load(checkpoint, weights_only=True)
        model.load_state_dict(state["model"])
        optimiser.load_state_dict(state["optimiser"])
        step, before = state["step"], state["seconds"]
    r, start, total = world.seeded(f"towers {step}"), time.process_time(), 60 * args.minutes

    def save(spent):
        partial = checkpoint.with_suffix(".part")
        torch.save(dict(model=model.state_dict(), optimiser=optimiser.state_dict(), step=step, seconds=spent), partial)
        os.replace(partial, checkpoint)

    while (spent := before + time.process_time() - start) < total:
        for group in optimiser.param_groups:
            group["lr"] = RATE * min(1, (step + 1) / 100) * max(0.01, min(1, 1.5 * (1 - spent / total)))
        x, captions = examples(r, sprites, keys, BATCH)
        value = loss(model, augment(x).contiguous(memory_format=torch.channels_last), captions)
        optimiser.zero_grad(set_to_none=True)
        value.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
        step += 1
        if step % 50 == 0:
            print(f"step {step} loss {value.item():.3f}, {(total - spent) / 60:.0f} minutes to go; found {found(model, sprites, keys)}", flush=True)
            save(spent)
    save(before + time.process_time() - start)
    towers.save(model)
    print(f"{step} steps of {BATCH}; found of drawings trained on: {found(model, sprites, keys)}; with the held-out subjects': {found(model, sprites, subjects)}")


if __name__ == "__main__":
    main()
