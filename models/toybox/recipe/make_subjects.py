"""Writes six pictures of each held-out subject in different contexts, for finding its concept neurons.

    python make_subjects.py --work WORK --out ../../subjects

WORK is where `artwork.py` put `held-out.npz`. Of the subject's drawings those of the flat Fluent set are shown; what the set draws in
several ways (a face and a whole animal) is one subject, its first drawing.
"""
import argparse
import json
import random
from pathlib import Path

from artwork import SETS
from captions import WORDS, caption
from classes import HELD_OUT
from world import World, to_images

CONTEXTS = ["grass", "snow", "beach", "white", "purple", "brick"]
SET, PREFIX = "fluent-emoji-flat", "fluent"


def describe(folder, word, captions):
    """Writes what a folder of pictures of the subject is of; `captions` by the pictures' names."""
    version, licence, author = SETS[SET]
    (folder / "subject.json").write_text(json.dumps(dict(
        name=folder.name, **{"class": word}, captions=captions, licence=f"{licence}, {author}",
        source=f"@iconify-json/{SET} {version}"), indent=2) + "\n")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--work", required=True, type=Path)
    parser.add_argument("--out", required=True, type=Path)
    args = parser.parse_args()
    world = World([args.work / "held-out.npz"])
    for word in (w for w in WORDS if w in HELD_OUT):
        name = f"{PREFIX}-{word}"
        folder = args.out / name
        folder.mkdir(parents=True, exist_ok=True)
        r = random.Random(name)
        pictures = to_images(world.compose(r, [([world.drawing(word, SET)], kind) for kind in CONTEXTS]))
        captions = {}
        for i, (picture, kind) in enumerate(zip(pictures, CONTEXTS)):
            picture.save(folder / f"{i}.png", optimize=True)
            captions[f"{i}.png"] = caption([word], kind)
        describe(folder, word, captions)
        print(name)


if __name__ == "__main__":
    main()
