"""Adds drawings to the measure's references that nobody trained on, so that another subject does not pass for the right one.

    python distractors.py --sprites SPRITES --measure ../measure      # SPRITES: the folder where toybox2's artwork.py wrote

Of each class: every drawing of the artwork sets that Toybox does not know, and the second drawings of those that it knows
(`dog/emojione`, `dog/noto.2`). Of each held-out subject: the same drawing with its colours turned by a third and by two
thirds of the circle (`dog/fluent~120`). Not the glossy Fluent set, which has the same drawings as the flat one.
What can hardly be told from a drawing that is there already is left out. numpy, Pillow and ONNX Runtime only.
"""
import argparse
import json
from pathlib import Path

import numpy as np
from PIL import Image
from safetensors import safe_open
from safetensors.numpy import save_file

import measure
import world
from make_subjects import CONTEXTS

FLAT, GLOSSY = "fluent-emoji-flat", "fluent-emoji"
# Toybox's own: their first drawings are references already.
KNOWN = {FLAT: "fluent", "noto": "noto", "twemoji": "twemoji"}
TURNS = (120, 240)


def drawings(folder):
    """{(class, artwork set): [RGBA pictures]} in the order of the icons."""
    found = {}
    for name in ("sprites.npz", "held-out.npz"):
        file = np.load(Path(folder) / name)
        sprites = file["sprites"]
        for key, sprite in zip(file["keys"], sprites):
            artwork, word = str(key).split("/")
            if word in world.CLASSES:
                found.setdefault((word, artwork), []).append(Image.fromarray(sprite, "RGBa").convert("RGBA"))
    return found


def turned(sprite, degrees):
    hue, saturation, value = sprite.convert("RGB").convert("HSV").split()
    hue = hue.point(lambda h: (h + round(degrees * 256 / 360)) % 256)
    out = Image.merge("HSV", (hue, saturation, value)).convert("RGB")
    out.putalpha(sprite.getchannel("A"))
    return out


def alike(a, b):
    """Whether two drawings can hardly be told apart at the size at which they are shown."""
    a, b = (np.asarray(i.resize((24, 24), Image.BOX).convert("RGBa"), np.float32) for i in (a, b))
    return np.abs(a - b).mean() < 8


def distractors(found):
    """{name of the reference: sprite}"""
    out = {}
    for word in world.CLASSES:
        own = {a: found.get((word, a), []) for a in sorted({a for _, a in found})}
        shown = [own[a][0] for a in KNOWN if own.get(a)]
        for artwork, sprites in own.items():
            if artwork == GLOSSY:
                continue
            for i, sprite in enumerate(sprites):
                if (artwork in KNOWN and i == 0) or any(alike(sprite, other) for other in shown):
                    continue
                shown.append(sprite)
                name = KNOWN.get(artwork, artwork)
                out[f"{word}/{name}" + (f".{i + 1}" if i else "")] = sprite
        if ("fluent", word) in world.HELD_OUT and own.get(FLAT):
            for degrees in TURNS:
                twin = turned(own[FLAT][0], degrees)
                if not alike(twin, own[FLAT][0]):
                    out[f"{word}/fluent~{degrees}"] = twin
    return out


def compositions(name, sprite, contexts=CONTEXTS, what=""):
    r = world.seeded(name + what)
    return np.stack([np.asarray(world.compose(r, {name: sprite}, [name], kind)) for kind in contexts])


def as_input(pictures):
    return np.ascontiguousarray(pictures.transpose(0, 3, 1, 2)).astype(np.float32) / 127.5 - 1


def check(found, measured):
    """The rates of the README: subjects recognised and distractors taken for them, among three drawings and among all."""
    sprites = distractors(found)
    taken = {"three": [], "all": []}
    right = {"three": [], "all": []}
    for _, word in world.HELD_OUT:
        subject, everything = f"{word}/fluent", measured.instances(word)
        among = {"three": [f"{word}/{a}" for a in KNOWN.values()], "all": everything}
        flags = lambda sprite, name, names: [
            n == subject for n in measured.nearest(measured.embedding.run(as_input(compositions(name, sprite, world.CONTEXTS, "check"))), names)]
        for which, names in among.items():
            right[which] += flags(found[word, FLAT][0], subject, names)
            for name in (n for n in everything if n in sprites):
                taken[which] += flags(sprites[name], name, names)
    for title, rates in (("recognised", right), ("taken for the subject", taken)):
        print(title, {which: f"{100 * np.mean(f):.1f} % of {len(f)}" for which, f in rates.items()})


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--sprites", required=True)
    parser.add_argument("--measure", required=True)
    parser.add_argument("--check", action="store_true", help="print what they do, and change nothing")
    args = parser.parse_args()
    if args.check:
        check(drawings(args.sprites), measure.Measure(args.measure))
        return
    path = Path(args.measure) / "references.safetensors"
    with safe_open(path, "np") as file:
        metadata = file.metadata()
        vectors = {name: file.get_tensor(name) for name in file.keys() if name.split("/")[1] in KNOWN.values()}
    network = measure.Network(Path(args.measure) / "embedding.onnx")
    found = distractors(drawings(args.sprites))
    for name, sprite in found.items():
        vectors[name] = network.run(as_input(compositions(name, sprite)))["embedding"].astype(np.float32)
    metadata["distractors"] = json.dumps(sorted(found))
    save_file(vectors, path, metadata=metadata)
    print(f"{len(found)} distractors of {len({n.split('/')[0] for n in found})} classes, {path.stat().st_size} bytes")


if __name__ == "__main__":
    main()
