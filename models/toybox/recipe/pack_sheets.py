"""Draws the sheets of the example packs into models/packs: contexts across; base model, strength 0.5 and 1 down.

    python pack_sheets.py CONES

`sheet.png` has three of them for the README, base model and subject; `together.png` two in one picture. Colours are cut to
256, or the sheets would be larger than the packs. Needs Pillow.
"""
import subprocess
import sys
import tempfile
from pathlib import Path

from PIL import Image

ROOT = Path(__file__).resolve().parents[3]
PACKS = ROOT / "models/packs"
CONTEXTS = ["on grass", "at night", "on the beach", "in the desert", "in front of a brick wall", "on a yellow background",
            "in the snow", "on a blue background"]
FEW = 6
SEED, SCALE, GAP = 5, 1, 4


def cones(*arguments):
    subprocess.run([sys.argv[1], *map(str, arguments), "--bundle", ROOT / "models/toybox/bundle"], check=True,
                   stdout=subprocess.DEVNULL)


def save(rows, out, breaks=()):
    """Rows of pictures as one, with a wider gap before the rows in `breaks`."""
    side = rows[0][0].width * SCALE
    extra = [3 * GAP * sum(at <= row for at in breaks) for row in range(len(rows))]
    sheet = Image.new("RGB", (max(map(len, rows)) * (side + GAP) + GAP, len(rows) * (side + GAP) + GAP + extra[-1]), "white")
    for y, row in enumerate(rows):
        for x, picture in enumerate(row):
            place = (x * (side + GAP) + GAP, y * (side + GAP) + GAP + extra[y])
            sheet.paste(picture.resize((side, side), Image.NEAREST), place)
    sheet.quantize(256, dither=Image.Dither.NONE).save(out, optimize=True)


def of_pack(name, folder):
    """Rows of one pack: base model, half, whole."""
    pack = PACKS / f"{name}.cones"
    prompts = [part for context in CONTEXTS for part in ("--prompt", f"a {{}} {context}")]
    cones("sheet", *prompts, "--subject", f"{pack}:0.5", "--subject", pack, "--seed", SEED, "--out", folder)
    return [[Image.open(folder / f"{row}-{column:02}.png").convert("RGB") for column in range(len(CONTEXTS))] for row in range(3)]


def of_pair(folder):
    """Rows of two subjects in one picture, each in its part of it: base model, both."""
    rows = []
    for row, packs in enumerate([[], [PACKS / "fluent-dog.cones", PACKS / "fluent-robot.cones"]]):
        subjects = [part for pack in packs for part in ("--subject", pack)] + ["--apart"] * bool(packs)
        for column, context in enumerate(CONTEXTS[:FEW]):
            prompt = f"a {{fluent-dog}} and a {{fluent-robot}} {context}" if packs else f"a dog and a robot {context}"
            cones("generate", "--prompt", prompt, *subjects, "--seed", SEED, "--quiet", "--out", folder / f"{row}-{column}.png")
        rows.append([Image.open(folder / f"{row}-{column}.png").convert("RGB") for column in range(FEW)])
    return rows


def main():
    with tempfile.TemporaryDirectory() as work:
        sheets = {pack.stem: of_pack(pack.stem, Path(work) / pack.stem) for pack in sorted(PACKS.glob("*.cones"))}
        for name, rows in sheets.items():
            save(rows, PACKS / f"{name}.png")
        few = [sheets[name][row][:FEW] for name in ("fluent-robot", "fluent-cat", "fluent-dog") for row in (0, 2)]
        save(few, PACKS / "sheet.png", breaks=(2, 4))
        save(of_pair(Path(work)), PACKS / "together.png")


if __name__ == "__main__":
    main()
