"""Toybox of four steps beside Toybox: how long a picture takes, whether it shows what was asked for, and whether packs work on it.

    cargo xtask few-steps          # makes the bundle, target/toybox-4-steps, first
    cargo xtask bench few-steps [--few BUNDLE] [--packs FILE…] [--prompts N] [--count N] [--runs N] [--again]

Each bundle is drawn as it says itself: 20 steps with guidance, and 4 steps without. Prompts are random, of one to four things in Toybox's
contexts (`--prompts` of each); "right" means that exactly the wanted things have the highest scores of Toybox's classifier and each is more
likely there than not (`cones compare`). Packs were found on Toybox and know nothing of the other (`cones evaluate`, all contexts by `--count`
seeds). Seconds are medians of `--runs` runs of each in turn, loading left out. What is finished is kept in target/bench/few-steps. Standard
library only.
"""
import argparse
import json
import random
import shutil
import statistics
import subprocess
import sys
from pathlib import Path

import kept
from kept import ROOT, run

sys.path.append(str(ROOT / "models/toybox/recipe"))

from captions import caption  # noqa: E402

THINGS = (1, 2, 3, 4)


def prompts(count, things):
    """Random captions as Toybox's world has them."""
    labels = json.loads((ROOT / "models/toybox/measure/labels.json").read_text())
    r = random.Random(f"few steps {things}")
    kinds = [kind for kind, _ in labels["contexts"]]
    return [caption(r.sample(labels["objects"], things), r.choice(kinds)) for _ in range(count)]


def compared(args, things):
    """What `cones compare` says of both, for prompts of so many things."""
    file = args.work / f"{things}.{args.prompts}.txt"
    file.write_text("\n".join(prompts(args.prompts, things)) + "\n")
    command = [args.cones, "compare", args.few, "--bundle", args.bundle, "--prompts", file, "--measure", ROOT / "models/toybox/measure",
               "--threads", args.threads, "--quiet", "--json"]
    return run(command, file.with_suffix(".json"))


def recognised(args, name, bundle):
    command = [args.cones, "evaluate", "--packs", *args.packs, "--count", args.count, "--no-base", "--bundle", bundle, "--threads", args.threads,
               "--quiet", "--json"]
    return run(command, args.work / f"{name}.recognised-{args.count}.json")


def title(bundle):
    """How a bundle is drawn where nobody says otherwise."""
    asked = json.loads((bundle / "bundle.json").read_text())["defaults"]
    guidance = f"guidance {asked['guidance']:g}" if asked["guidance"] > 1 else "no guidance"
    return f"{asked['steps']} steps, {guidance}"


def share(rows, key):
    pictures = sum(row["with"]["pictures"] for row in rows)
    return sum(row["with"][key] * row["with"]["pictures"] for row in rows) / pictures


def seconds(args, bundle):
    """Seconds a picture, of one run of several."""
    command = [args.cones, "generate", "--bundle", bundle, "--prompts", args.work / f"2.{args.prompts}.txt", "--threads", args.threads,
               "--out", args.work / "timed", "--quiet", "--json"]
    done = subprocess.run([str(word) for word in command], stdout=subprocess.PIPE, cwd=ROOT, check=True)
    said = json.loads(done.stdout)
    return (said["seconds"]["total"] - said["seconds"]["loading"]) / len(said["pictures"])


def main():
    parser = argparse.ArgumentParser(prog="cargo xtask bench few-steps", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("section", nargs="?", help=argparse.SUPPRESS)
    parser.add_argument("--cones", required=True, help=argparse.SUPPRESS)
    parser.add_argument("--work", required=True, type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--bundle", type=Path, default=ROOT / "models/toybox/bundle")
    parser.add_argument("--few", type=Path, default=ROOT / "target/toybox-4-steps")
    parser.add_argument("--packs", nargs="+", type=Path, default=sorted((ROOT / "models/packs").glob("*.cones")))
    parser.add_argument("--prompts", type=int, default=100, help="of each number of things")
    parser.add_argument("--count", type=int, default=2, help="pictures of each context of each pack")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--again", action="store_true", help="throw away what is kept")
    args = parser.parse_args()
    if not (args.few / "bundle.json").is_file():
        raise SystemExit(f"{args.few} is no bundle; `cargo xtask few-steps` makes it")
    args.work = args.work / "few-steps"
    if args.again:
        shutil.rmtree(args.work, ignore_errors=True)
    args.work.mkdir(parents=True, exist_ok=True)
    bundles = {title(bundle): bundle for bundle in (args.bundle, args.few)}
    found = {things: compared(args, things) for things in THINGS}
    packs = [recognised(args, name, bundle) for name, bundle in (("many", args.bundle), ("few", args.few))]
    timed = [[seconds(args, bundle) for bundle in bundles.values()] for _ in range(args.runs)]
    medians = [statistics.median(run[i] for run in timed) for i in range(2)]
    percent = lambda value: f"{100 * value:.1f} %"
    rows = []
    for i, name in enumerate(bundles):
        scores = [found[things][i]["score"] for things in THINGS]
        context = statistics.mean(score["context"] for score in scores)
        rows.append([name, f"{1e3 * medians[i]:.0f} ms", f"{medians[i] / medians[0]:.3f} ×", *(percent(s["objects"]) for s in scores), percent(context),
                     percent(share(packs[i], "each")), percent(share(packs[i], "objects"))])
    kept.table(["Toybox", "a picture", "to the first", *(f"{n} right" for n in ("one", "two", "three", "four")), "context", "packs recognised",
                "their class"], rows)
    likeness = [value for things in THINGS for value in found[things][1]["psnr"]["each"]]
    print(f"\n{len(likeness)} pictures of one seed: {statistics.mean(likeness):.1f} dB apart in the mean; medians of {args.runs} runs")


if __name__ == "__main__":
    main()
