"""Writes six pictures of each held-out subject in different contexts, for finding its concept neurons.

    python make_subjects.py --npm NODE_MODULES --work WORK --out ../../subjects
"""
import argparse
import json
from pathlib import Path

import world

CONTEXTS = ["grass", "snow", "beach", "white", "purple", "brick"]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--npm", required=True)
    parser.add_argument("--work", required=True)
    parser.add_argument("--out", required=True)
    args = parser.parse_args()
    sprites = world.load_sprites(args.npm, Path(args.work) / "sprites.pkl")
    for artwork, word in world.HELD_OUT:
        folder = Path(args.out) / f"{artwork}-{word}"
        folder.mkdir(parents=True, exist_ok=True)
        r = world.seeded(f"{artwork}-{word}")
        captions = {}
        for i, kind in enumerate(CONTEXTS):
            world.compose(r, sprites, [(artwork, word)], kind).save(folder / f"{i}.png", optimize=True)
            captions[f"{i}.png"] = world.caption([word], kind)
        package, version, licence = world.ARTWORK[artwork]
        (folder / "subject.json").write_text(json.dumps(dict(
            name=f"{artwork}-{word}", **{"class": word}, captions=captions, licence=licence,
            source=f"{package} {version}"), indent=2) + "\n")


if __name__ == "__main__":
    main()
