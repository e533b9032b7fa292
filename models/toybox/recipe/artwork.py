"""The artwork that Toybox is trained on: emoji of eight permissive sets, rendered once into one file of sprites.

    python artwork.py --npm FOLDER --out sprites.npz     # FOLDER/@iconify-json/NAME/icons.json; `train.sh` fetches them

Drawings held out as new subjects go into a file of their own (`held-out.npz`), which no training script opens.
"""
import argparse
import io
import json
from pathlib import Path

import numpy as np
from PIL import Image

from classes import CLASSES, HELD_OUT, HELD_OUT_SETS

SIZE = 128

# npm package under @iconify-json -> (version, licence, author)
SETS = {
    "fluent-emoji": ("1.2.7", "MIT", "Microsoft Corporation"),
    "fluent-emoji-flat": ("1.2.6", "MIT", "Microsoft Corporation"),
    "noto": ("1.2.9", "Apache-2.0", "Google Inc"),
    "noto-v1": ("1.2.5", "Apache-2.0", "Google Inc"),
    "twemoji": ("1.2.5", "CC BY 4.0", "Twitter, Inc and other contributors"),
    "emojione": ("1.2.3", "CC BY 4.0", "Emoji One"),
    "streamline-emojis": ("1.2.4", "CC BY 4.0", "Streamline"),
    "fxemoji": ("1.2.2", "Apache-2.0", "Mozilla"),
}


def held_out(artwork_set, word):
    return word in HELD_OUT and artwork_set in HELD_OUT_SETS


def find(icons, name):
    """The icon of that name, through at most one alias; None where the set has none."""
    alias = icons.get("aliases", {}).get(name, {})
    return icons["icons"].get(name) or icons["icons"].get(alias.get("parent"))


def render(icons, icon):
    """SIZE x SIZE RGBA as uint8, the drawing trimmed to what is visible and centred in a square."""
    import resvg_py
    width = icon.get("width", icons.get("width", 32))
    height = icon.get("height", icons.get("height", 32))
    left, top = icon.get("left", 0), icon.get("top", 0)
    svg = (f'<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" '
           f'viewBox="{left} {top} {width} {height}">{icon["body"]}</svg>')
    png = resvg_py.svg_to_bytes(svg_string=svg, width=4 * SIZE, height=4 * SIZE, skip_system_fonts=True)
    large = Image.open(io.BytesIO(bytes(png))).convert("RGBA")
    box = large.getchannel("A").point(lambda a: 255 * (a > 8)).getbbox()
    if box is None:
        return None
    side = max(box[2] - box[0], box[3] - box[1])
    square = Image.new("RGBA", (side, side))
    square.paste(large.crop(box), ((side - box[2] + box[0]) // 2, side - (box[3] - box[1])))
    # Resized with the colour multiplied in, so that no dark or light seam appears around it.
    return np.asarray(square.convert("RGBa").resize((SIZE, SIZE), Image.LANCZOS))


def framed(sprite):
    """Whether it is a picture in a square rather than a thing: something opaque in all four corners."""
    alpha = sprite[..., 3] > 128
    return all(alpha[rows, columns].mean() > 0.55 for rows in (slice(0, 12), slice(-12, None)) for columns in (slice(0, 12), slice(-12, None)))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--npm", required=True)
    parser.add_argument("--out", required=True)
    args = parser.parse_args()
    kept = {False: ([], []), True: ([], [])}
    seen = set()
    for name in SETS:
        icons = json.loads((Path(args.npm) / "@iconify-json" / name / "icons.json").read_text())
        for word, names in CLASSES.items():
            for icon in (find(icons, n) for n in names):
                if icon is None or (name, icon["body"]) in seen:
                    continue
                seen.add((name, icon["body"]))
                sprite = render(icons, icon)
                if sprite is not None and not framed(sprite):
                    sprites, keys = kept[held_out(name, word)]
                    sprites.append(sprite)
                    keys.append(f"{name}/{word}")
    out = Path(args.out)
    for hidden, path in ((False, out), (True, out.with_name("held-out.npz"))):
        sprites, keys = kept[hidden]
        part = path.with_suffix(".part.npz")
        np.savez_compressed(part, sprites=np.stack(sprites), keys=np.array(keys))
        part.replace(path)
        print(f"{path.name}: {len(keys)} drawings of {len({k.split('/')[1] for k in keys})} classes")


if __name__ == "__main__":
    main()
