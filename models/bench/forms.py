"""The quality gate of small forms: what each loses on Toybox, in pictures, in the classifier's eyes and in recognised subjects.

    cargo xtask bench forms [--forms int8 int4 ...] [--packs FILE ...] [--count N]

Each form is made from the exact bundle by `cones quantise`. Then 20 prompts by 3 seeds are drawn with both (`cones compare`: PSNR,
things and context right), and the example packs are recognised on it (`cones evaluate`: 16 contexts by `--count` seeds). A form that
loses more than a point of recognition against the exact bundle is not offered by default: `cones quantise` marks it so, unless
`--offer` says otherwise.
What is finished is kept in target/bench/forms. Standard library only.
"""
import argparse
import shutil
from pathlib import Path

import kept
from kept import ROOT, run

CALIBRATION = ["--activations", "int8", "--calibrate", "models/toybox/prompts/calibrate.txt"]
FORMS = {
    "int8": ["--weights", "int8"],
    "int4": ["--weights", "int4"],
    "int8-static": ["--weights", "int8", *CALIBRATION],
    "int8-static-percentile": ["--weights", "int8", *CALIBRATION, "--ranges", "percentile"],
    "int8-static-entropy": ["--weights", "int8", *CALIBRATION, "--ranges", "entropy"],
    "int8-static-all": ["--weights", "int8", *CALIBRATION, "--keep-float", "0"],
}
# Points of recognition, in per cent, that a form may lose and still be offered to every device.
MOST = 1.0


def make(args, form):
    """The form's folder."""
    folder = args.work / "forms" / form
    if not folder.exists():
        folder.parent.mkdir(parents=True, exist_ok=True)
        command = [args.cones, "quantise", args.bundle, "--out", folder, "--quiet", "--threads", args.threads, *FORMS[form]]
        (args.work / "forms" / f"{form}.txt").write_bytes(kept.said(command))
    return folder


def recognised(args, bundle, name):
    """Mean shares over the packs, weighted by pictures, of a bundle with the packs switched on."""
    out = args.work / "forms" / f"{name}.recognised-{args.count}.json"
    rows = run([args.cones, "evaluate", "--packs", *args.packs, "--count", args.count, "--no-base", "--bundle", bundle, "--threads",
                args.threads, "--quiet", "--json"], out)
    pictures = sum(row["with"]["pictures"] for row in rows)
    mean = lambda key: sum(row["with"][key] * row["with"]["pictures"] for row in rows) / pictures
    return {key: 100 * mean(key) for key in ("each", "objects", "context")}


def size(folder):
    return sum(file.stat().st_size for file in folder.iterdir()) / 1e6


def main():
    parser = argparse.ArgumentParser(prog="cargo xtask bench forms")
    parser.add_argument("section", nargs="?")
    parser.add_argument("--cones", required=True, help=argparse.SUPPRESS)
    parser.add_argument("--work", required=True, type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--bundle", type=Path, default=ROOT / "models/toybox/bundle")
    parser.add_argument("--forms", nargs="+", default=["int8", "int4", "int8-static"], choices=FORMS)
    parser.add_argument("--packs", nargs="+", type=Path, default=sorted((ROOT / "models/packs").glob("*.cones")))
    parser.add_argument("--prompts", type=Path, default=ROOT / "models/toybox/prompts/gate.txt")
    parser.add_argument("--count", type=int, default=2, help="pictures of each of the 16 contexts of each pack")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--again", action="store_true", help="throw away what is kept")
    args = parser.parse_args()
    if args.again:
        shutil.rmtree(args.work / "forms", ignore_errors=True)
    (args.work / "forms").mkdir(parents=True, exist_ok=True)
    folders = {form: make(args, form) for form in args.forms}
    compare = [args.cones, "compare", *folders.values(), "--bundle", args.bundle, "--prompts", args.prompts, "--count", 3, "--measure",
               ROOT / "models/toybox/measure", "--threads", args.threads, "--quiet", "--json"]
    compared = run(compare, args.work / "forms" / f"{'+'.join(folders)}.compared.json")
    exact, rows = None, []
    for (form, folder), found in zip([("exact", args.bundle), *folders.items()], compared):
        own = recognised(args, folder, form)
        exact = exact or own
        lost = exact["each"] - own["each"]
        decibels = [f"{found['psnr'][key]:.1f} dB" for key in ("mean", "least")] if "psnr" in found else ["", ""]
        score, time = found["score"], found["seconds_per_step"] / compared[0]["seconds_per_step"]
        rows.append([form, f"{size(folder):.1f} MB", *decibels, f"{100 * score['objects']:.1f} %", f"{100 * score['context']:.1f} %",
                     f"{own['each']:.1f} %", f"{own['objects']:.1f} %", f"{lost:+.1f}", f"{time:.2f} ×", "yes" if lost <= MOST else "no"])
    head = ["form", "bundle", "PSNR, mean", "least", "things right", "context right", "packs recognised", "class right", "points lost", "step",
            "offered"]
    kept.table(head, rows)


if __name__ == "__main__":
    main()
