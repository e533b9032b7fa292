"""Words drawn in boxes: two or four things, with and without their boxes.

    cargo xtask bench boxes [--things 2 4] [--count N] [--seeds N] [--bundle BUNDLE] [--again]

Toybox draws two things beside each other and four in two rows, in an order that the words do not say. Here two have the halves of the picture for
their boxes, the first the right one, and four the quarters. Toybox's classifier looks at the whole picture ("all right"), and at what is in each
box, set side by side with itself until the picture is full, so that things keep their size and proportions ("in its box": the thing that was asked
for there has the highest score). The seconds are those of the U-Net, a step. Needs numpy, ONNX Runtime, Pillow and safetensors.
"""
import argparse
import random
import shutil
import statistics
import sys
from pathlib import Path

import numpy as np
from PIL import Image

ROOT = Path(__file__).resolve().parents[2]
sys.path.append(str(ROOT / "models/toybox/recipe"))

from captions import caption  # noqa: E402
from measure import Measure  # noqa: E402

import kept  # noqa: E402

# Left, top, right, bottom of each thing's box, by how many things there are.
BOXES = {
    2: [(0.5, 0.0, 1.0, 1.0), (0.0, 0.0, 0.5, 1.0)],
    4: [(0.5, 0.5, 1.0, 1.0), (0.0, 0.5, 0.5, 1.0), (0.5, 0.0, 1.0, 0.5), (0.0, 0.0, 0.5, 0.5)],
}


def prompts(things, count, measured):
    r = random.Random(5)
    chosen = [(r.sample(measured.words, things), r.choice(measured.contexts)) for _ in range(count)]
    return [(words, kind, caption(words, kind)) for words, kind in chosen]


def drawn(args, number, prompt, words, boxed):
    """The pictures of a prompt, and the seconds of a step."""
    out = args.work / f"{len(words)}-{'boxed' if boxed else 'plain'}" / str(number)
    command = [args.cones, "generate", "--bundle", args.bundle, "-p", prompt, "--seed", 1, "-n", args.seeds, "--threads", 1, "--quiet", "--json",
               "-o", out]
    if boxed:
        command += [word for name, sides in zip(words, BOXES[len(words)]) for word in ("--box", f"{name}={','.join(map(str, sides))}")]
    out.parent.mkdir(parents=True, exist_ok=True)
    summary = kept.run(command, out.with_suffix(".json"))
    pictures = [Image.open(ROOT / picture["path"]).convert("RGB") for picture in summary["pictures"]]
    return pictures, summary["seconds"]["unet"] / summary["steps"]


def as_input(pictures):
    return np.stack([np.asarray(p, np.float32) for p in pictures]).transpose(0, 3, 1, 2) / 127.5 - 1


def cut(picture, sides):
    """What is in a box, side by side with itself over the whole picture."""
    left, top, right, bottom = (round(share * side) for share, side in zip(sides, picture.size * 2))
    inside, tiled = picture.crop((left, top, right, bottom)), Image.new("RGB", picture.size)
    for x in range(0, picture.width, inside.width):
        for y in range(0, picture.height, inside.height):
            tiled.paste(inside, (x, y))
    return tiled


def measure(args, things, measured):
    """A row without boxes, and one with."""
    rows, before = [], None
    for boxed in (False, True):
        right, inside, seconds = [], [], []
        for number, (words, kind, prompt) in enumerate(prompts(things, args.count, measured)):
            pictures, step = drawn(args, number, prompt, words, boxed)
            seconds.append(step)
            right += measured.text(as_input(pictures), [(words, kind)] * len(pictures))
            for word, sides in zip(words, BOXES[things]):
                scores = measured.classifier.run(as_input([cut(p, sides) for p in pictures]))["objects"]
                inside += [measured.words[row.argmax()] == word for row in scores]
        percent = lambda values: f"{100 * np.mean(values):.1f} %"
        before = before or statistics.median(seconds)
        rows.append([things, "with" if boxed else "without", len(right), percent([o for o, _ in right]), percent([c for _, c in right]), percent(inside),
                     f"{1e3 * statistics.median(seconds):.1f} ms", f"{statistics.median(seconds) / before:.2f} ×"])
    return rows


def main():
    parser = argparse.ArgumentParser(prog="cargo xtask bench boxes", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("section", nargs="?", help=argparse.SUPPRESS)
    parser.add_argument("--cones", required=True, help=argparse.SUPPRESS)
    parser.add_argument("--work", required=True, type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--bundle", type=Path, default=ROOT / "models/toybox/bundle")
    parser.add_argument("--things", type=int, nargs="+", choices=BOXES, default=list(BOXES), help="in a picture")
    parser.add_argument("--count", type=int, default=40, help="prompts")
    parser.add_argument("--seeds", type=int, default=2, help="pictures of each")
    parser.add_argument("--again", action="store_true", help="throw away what is kept")
    args = parser.parse_args()
    args.work = args.work / "boxes" / args.bundle.name
    if args.again:
        shutil.rmtree(args.work, ignore_errors=True)
    measured = Measure(ROOT / "models/toybox/measure")
    rows = [row for things in args.things for row in measure(args, things, measured)]
    kept.table(["things", "boxes", "pictures", "all right", "context", "in its box", "a step", "to the first"], rows)


if __name__ == "__main__":
    main()
