"""Writes pictures of held-out subjects with their true shapes, for `cargo xtask bench outline`.

    python make_shapes.py --work WORK --out ../../shapes

Of each subject that has a pack eight pictures, one in each of the first scenes of the world; the shape is where the drawing covers more
than half of a pixel, white on black. None of them is among the pictures that the packs were found from.
"""
import argparse
import random
from pathlib import Path

import torch
from PIL import Image

from backgrounds import SIZE
from captions import WORDS, caption
from classes import HELD_OUT
from contexts import SCENES
from make_subjects import PREFIX, SET, describe
from world import World, to_images

PACKS = Path(__file__).resolve().parents[2] / "packs"
SHOWN_IN = list(SCENES)[:8]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", required=True, type=Path)
    parser.add_argument("--out", required=True, type=Path)
    args = parser.parse_args()
    world = World([args.work / "held-out.npz"])
    for word in (w for w in WORDS if w in HELD_OUT):
        name = f"{PREFIX}-{word}"
        if not (PACKS / f"{name}.cones").exists():
            continue
        folder = args.out / name
        (folder / "shapes").mkdir(parents=True, exist_ok=True)
        shown = torch.full((len(SHOWN_IN), SIZE, SIZE), -1, dtype=torch.int8)
        pictures = to_images(world.compose(random.Random(f"{name}, its shape"), [([world.drawing(word, SET)], kind) for kind in SHOWN_IN], shown))
        captions = {}
        for i, (picture, kind) in enumerate(zip(pictures, SHOWN_IN)):
            picture.save(folder / f"{i}.png", optimize=True)
            Image.fromarray((255 * (shown[i] == 0).byte()).numpy()).save(folder / "shapes" / f"{i}.png", optimize=True)
            captions[f"{i}.png"] = caption([word], kind)
        describe(folder, word, captions)


if __name__ == "__main__":
    main()
