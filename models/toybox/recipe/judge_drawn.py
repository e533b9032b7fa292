"""Draws each held-out subject's class in every context with `cones generate`, and judges the pictures with the measures.

    python judge_drawn.py --cones ../../../target/release/cones --out DRAWN [--packs ../../packs/*.safetensors]

Without packs: what the base model draws, for each of the 14 classes. With packs: each pack's own class and trigger. Pictures that
are there already are kept. In the table, "recognised" is the share whose nearest instance of the class is the held-out subject.
"""
import argparse
import subprocess
from pathlib import Path

import numpy as np
from PIL import Image
from safetensors import safe_open

import measure
import measure_world
import world
from evaluate_measure import percent, table


def draw(cones, prompt, extra, folder, count):
    if len(list(folder.glob("*.png"))) < count:
        subprocess.run([cones, "generate", "--prompt", prompt, "--count", str(count), "--seed", "1", "--threads", "1",
                        "--quiet", "--out", str(folder), *extra], check=True, stdout=subprocess.DEVNULL)
    return [np.asarray(Image.open(p).convert("RGB")) for p in sorted(folder.glob("*.png"))[:count]]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--cones", required=True)
    parser.add_argument("--out", required=True)
    parser.add_argument("--bundle", default=str(Path(__file__).parent.parent / "bundle"))
    parser.add_argument("--packs", nargs="*", default=[])
    parser.add_argument("--count", type=int, default=4, help="seeds for each context")
    parser.add_argument("--measure", default=str(Path(__file__).parent.parent / "measure"))
    args = parser.parse_args()
    measured = measure.Measure(args.measure)
    jobs = [("base", w, w, []) for _, w in world.HELD_OUT] if not args.packs else []
    for pack in args.packs:
        with safe_open(pack, "np") as file:
            about = file.metadata()
        jobs.append((about["name"], about["class"], about["trigger"], ["--subject", pack]))
    rows = []
    for name, word, called, extra in jobs:
        pictures, wanted = [], []
        for kind in world.CONTEXTS:
            prompt = world.caption([called], kind)
            folder = Path(args.out) / name / word / kind
            drawn = draw(args.cones, prompt, ["--bundle", args.bundle, *extra], folder, args.count)
            pictures += drawn
            wanted += [([word], kind)] * len(drawn)
        x = measure_world.as_input(np.stack(pictures)).numpy()
        seen = measured.embedding.run(x)
        found = {several: measured.nearest(seen, measured.instances(word), several) for several in (False, True)}
        text = measured.text(x, wanted)
        rows.append([name, word, len(x)] + [percent([f == f"{word}/fluent" for f in found[s]]) for s in (False, True)]
                    + [percent([t[i] for t in text]) for i in (0, 1)])
    if len(rows) > 1:
        rows.append(["all", "", sum(r[2] for r in rows)] + [
            f"{np.average([float(r[c].split()[0]) for r in rows], weights=[r[2] for r in rows]):.1f} %" for c in range(3, 7)])
    table(["drawn with", "class", "pictures", "recognised", "by best places", "class word right", "context right"], rows)


if __name__ == "__main__":
    main()
