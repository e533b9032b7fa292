"""Writes pictures of held-out subjects with their true shapes, for `cargo xtask bench outline`.

    python make_shapes.py --npm NODE_MODULES --work WORK --out ../../shapes

Of each subject that has a pack eight pictures, one in each scene of the world; the shape is the drawing's own alpha, white on black.
None of them is among the pictures that the packs were found from.
"""
import argparse
import json
from pathlib import Path

import world

PACKS = Path(__file__).resolve().parents[2] / "packs"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--npm", required=True)
    parser.add_argument("--work", required=True)
    parser.add_argument("--out", required=True)
    args = parser.parse_args()
    sprites = world.load_sprites(args.npm, Path(args.work) / "sprites.pkl")
    for artwork, word in world.HELD_OUT:
        name = f"{artwork}-{word}"
        if not (PACKS / f"{name}.cones").exists():
            continue
        folder = Path(args.out) / name
        (folder / "shapes").mkdir(parents=True, exist_ok=True)
        r = world.seeded(f"{name}, its shape")
        captions = {}
        for i, kind in enumerate(world.SCENES):
            shapes = []
            world.compose(r, sprites, [(artwork, word)], kind, shapes).save(folder / f"{i}.png", optimize=True)
            shapes[0].save(folder / "shapes" / f"{i}.png", optimize=True)
            captions[f"{i}.png"] = world.caption([word], kind)
        package, version, licence = world.ARTWORK[artwork]
        (folder / "subject.json").write_text(json.dumps(dict(
            name=name, **{"class": word}, captions=captions, licence=licence, source=f"{package} {version}"), indent=2) + "\n")


if __name__ == "__main__":
    main()
