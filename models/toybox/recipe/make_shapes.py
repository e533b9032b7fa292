"""Writes pictures of held-out subjects with their true shapes, for `cargo xtask bench outline`.

    python make_shapes.py --npm NODE_MODULES --work WORK --out ../../shapes

Of each subject that has a pack eight pictures, one in each scene of the world; the shape is the drawing's own alpha, white on black.
None of them is among the pictures that the packs were found from.
"""
import argparse
import json
from pathlib import Path

import world
from PIL import Image

PACKS = Path(__file__).resolve().parents[2] / "packs"


def composed(r, sprites, key, kind):
    """A picture with one thing in it, and that thing's shape."""
    state = r.getstate()
    picture = world.compose(r, sprites, [key], kind)
    after = r.getstate()
    # From the same numbers the same place, size and side once more.
    r.setstate(state)
    world.background(r, kind)
    unit = world.SIZE // world.GRID
    (x, y, s), = world.places(r, 1)
    sprite = sprites[key].resize((s * unit, s * unit), Image.LANCZOS)
    if r.random() < 0.5:
        sprite = sprite.transpose(Image.FLIP_LEFT_RIGHT)
    assert r.getstate() == after, "compose draws in another order now"
    shape = Image.new("L", picture.size)
    shape.paste(sprite.getchannel("A"), (x * unit, y * unit))
    return picture, shape.point(lambda alpha: 255 if alpha >= 128 else 0).convert("1")


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
            picture, shape = composed(r, sprites, (artwork, word), kind)
            picture.save(folder / f"{i}.png", optimize=True)
            shape.save(folder / "shapes" / f"{i}.png", optimize=True)
            captions[f"{i}.png"] = world.caption([word], kind)
        package, version, licence = world.ARTWORK[artwork]
        (folder / "subject.json").write_text(json.dumps(dict(
            name=name, **{"class": word}, captions=captions, licence=licence, source=f"{package} {version}"), indent=2) + "\n")


if __name__ == "__main__":
    main()
