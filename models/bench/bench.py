"""Times Cones against Python; called by `cargo xtask bench`. Standard library alone: the workers need more.

    python bench.py [picture] [overhead] [switch] [gradient] [size] --cones target/release/cones

All programs are started first, do once what does not count, then take turns, each round in another order, so that a
machine that slows down slows all of them.
"""
import argparse
import json
import os
import platform
import sys
from pathlib import Path

import gradient
import pictures
import size
import switch
import workload
from model import SIZES
from worker import WorkerFailed

SECTIONS = {"picture": pictures, "overhead": pictures, "switch": switch, "gradient": gradient, "size": size}
# A step of Stable Diffusion takes half a minute on one core, so whole pictures of that size are drawn for `size` alone, which is
# asked for by name and has few steps. The narrow model is there for gradients alone.
OF_SIZE = {"toybox": ["picture", "overhead", "switch", "gradient"], "sd15": ["switch", "gradient", "size"], "narrow": ["gradient"]}
# Who takes part in `size`.
PARTS = ("cones", "onnxruntime", "diffusers", "sdcpp", "limit", "find")
DEFAULT = {"toybox": ["picture", "overhead", "switch"], "sd15": ["switch"], "narrow": ["gradient"]}


def cpu_name():
    """The processor as a person knows it."""
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as lines:
            return next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


def pin(threads):
    """As many CPUs as threads, for all workers alike, out of those this process may use."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[-threads:])


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sections", nargs="*", metavar="|".join(SECTIONS), help="all that the size has by default")
    parser.add_argument("--cones", type=Path, required=True)
    parser.add_argument("--size", choices=SIZES,
                        help="sd15: random weights of Stable Diffusion 1.5's sizes, made at the first run; narrow: its "
                             "shape at a fifth of the width")
    parser.add_argument("--bundle", type=Path, help="another bundle than Toybox")
    parser.add_argument("--diffusers", type=Path, help="the diffusers folder that the bundle came from")
    parser.add_argument("--work", type=Path, default=Path("target/bench"), help="exports and the report")
    parser.add_argument("--gradient-bench", type=Path, help="our program for `gradient`")
    parser.add_argument("--batch", type=int, action="append", help="pictures in one step of `gradient`; repeatable")
    parser.add_argument("--pixels", type=int, help="side of the pictures of `gradient`; the model's own by default")
    parser.add_argument("--provider", choices=["cpu", "cuda"], default="cpu", help="where `gradient` runs")
    parser.add_argument("--runs", type=int, help="7, and 3 of `size`")
    parser.add_argument("--threads", type=int, action="append", help="1; `size` takes several, 1 and 2 by default")
    parser.add_argument("--steps", type=int, default=2, help="of each picture of `size`")
    parser.add_argument("--only", choices=PARTS, action="append", help="who takes part in `size`; repeatable, all by default")
    parser.add_argument("--form", action="append", metavar="NAME=BUNDLE", help="another form of the model for `size`; repeatable")
    parser.add_argument("--before", metavar="CONES=BUNDLE", help="an older build of ours for `size`, and a bundle that it imported")
    parser.add_argument("--again", action="store_true", help="`size` throws away what is kept of earlier runs")
    parser.add_argument("--share", type=float, default=0.01, help="of the weights that `switch` shuts")
    parser.add_argument("--subjects", type=int, default=1, help="that have these weights between them")
    args = parser.parse_args()
    is_size = args.sections == ["size"]
    if "size" in args.sections and not is_size:
        parser.error("`size` runs alone: its programs are too large to stay beside others")
    args.size = args.size or ("sd15" if is_size else "toybox")
    args.runs = args.runs or (3 if is_size else 7)
    args.thread_counts = args.threads or ([1, 2] if is_size else [1])
    if len(args.thread_counts) > 1 and not is_size:
        parser.error("only `size` takes more than one --threads")
    args.threads = max(args.thread_counts)
    args.only = set(args.only or PARTS)
    if any("=" not in form for form in args.form or []):
        parser.error("--form is NAME=BUNDLE, as int8=target/bench/sd15/int8")
    if args.before and "=" not in args.before:
        parser.error("--before is CONES=BUNDLE, as ../old/target/release/cones=../old/target/bench/sd15/bundle")
    offered = OF_SIZE[args.size]
    for section in args.sections:
        if section not in offered:
            parser.error(f"there is no '{section}' of size {args.size}, only {', '.join(offered)}")
    counts = [args.runs, *args.thread_counts, args.subjects, args.steps, *(args.batch or [1]), args.pixels or 1]
    if min(counts) < 1 or not 0 < args.share <= 1:
        parser.error("--runs, --threads, --subjects, --steps, --batch and --pixels start at 1, --share lies between 0 and 1")
    if is_size and (args.pixels or 512) % 64:
        parser.error("--pixels of `size` is a multiple of 64")
    if args.size != "toybox" and (args.bundle or args.diffusers):
        parser.error("--size makes its own model; --bundle and --diffusers are for a model of your own")
    args.sections = args.sections or DEFAULT[args.size]
    if ("gradient" in args.sections or is_size and "find" in args.only) and not args.gradient_bench:
        parser.error("it needs --gradient-bench, which `cargo xtask bench gradient` and `size` build")
    if args.provider == "cuda" and args.sections != ["gradient"]:
        parser.error("--provider is for `gradient` alone")
    return args


def measure(args):
    """Every section that is asked for, one program after another where they share none."""
    args.work.mkdir(parents=True, exist_ok=True)
    args.model = SIZES[args.size](args)
    load = workload.from_bundle(args.model.bundle, args.threads)
    pin(args.threads)
    cpus = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    machine = f"{cpu_name()}, {platform.system()}, {cpus} of {os.cpu_count()} CPUs"
    print(f"\n{args.threads} thread(s), {args.runs} runs, {machine}")
    result = dict(machine=machine, size=args.size, workload=vars(load), runs=args.runs)
    for module in dict.fromkeys(SECTIONS[section] for section in args.sections):
        workers = []
        try:
            result.update(module.run(args, load, workers))
        finally:
            for worker in workers:
                worker.close()
    path = args.work / "report.json"
    path.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    print(f"\nEvery run: {path}")


def main():
    try:
        measure(arguments())
    except (WorkerFailed, OSError, ValueError, KeyError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
