"""Times whole pictures against Python; called by `cargo xtask bench`. Standard library alone: the workers need more.

    python bench.py [picture] [overhead] [switch] --cones target/release/cones

All programs are started first, draw one picture that does not count, then take turns, each round in another order,
so that a machine that slows down slows all of them.
"""
import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
from pathlib import Path

import workload
from worker import Worker, WorkerFailed

HERE = Path(__file__).resolve().parent
MODELS = HERE.parent
SECTIONS = ("picture", "overhead", "switch")
OVERHEAD_AIM, SWITCH_AIM = 0.02, 0.05
OURS = "cones"


def exported(diffusers, work, dialect):
    """The ordinary export of `diffusers`, made anew where model or exporter are newer than the last one."""
    out, exporter = work / f"onnx-{dialect}", MODELS / "export/export_onnx.py"
    newest = max(f.stat().st_mtime for f in [exporter, *diffusers.rglob("*")])
    stamp, wanted = out / "exported", f"{diffusers.resolve()} {newest}"
    if not (stamp.exists() and stamp.read_text(encoding="utf-8") == wanted):
        print(f"Exporting {diffusers} to ONNX ({dialect})", flush=True)
        stamp.unlink(missing_ok=True)
        command = [str(part) for part in (sys.executable, exporter, diffusers, out, "--dialect", dialect)]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            raise WorkerFailed(f"the {dialect} export failed:\n{done.stderr}")
        stamp.write_text(wanted, encoding="utf-8")
    return out


def start(args, load):
    """Our worker, and for `picture` the others."""
    def python(name, script, *more):
        return Worker(name, [sys.executable, HERE / script, args.diffusers, *load.flags(), *more], args.threads)

    others = []
    if "picture" in args.sections:
        if not args.diffusers.is_dir():
            raise WorkerFailed(f"there is no {args.diffusers}: give the model's diffusers folder with --diffusers")
        folders = {dialect: exported(args.diffusers, args.work, dialect) for dialect in ("fused", "plain")}
        others = [python(f"onnxruntime in Python, {dialect} export", "ort_unsplit.py", "--onnx", folder)
                  for dialect, folder in folders.items()]
        others.append(python("diffusers in PyTorch", "diffusers_ref.py"))
    command = [args.cones, "bench", "--bundle", args.bundle, "--json", "--scheduler", "ddim", *load.flags()]
    return [Worker(OURS, command, args.threads), *others]


def take_turns(workers, runs):
    """One warm-up each, then `runs` rounds."""
    for worker in workers:
        worker.draw()
    for turn in range(runs):
        first = turn % len(workers)
        for worker in workers[first:] + workers[:first]:
            worker.run()


def spread(values, form):
    """Median, and least to greatest."""
    return f"{form(statistics.median(values))}  ({form(min(values))} to {form(max(values))})"


def picture(workers):
    """The table of whole pictures. The ratio is the median over rounds, each against our time in that round."""
    ours = workers[0].values("seconds")
    rows = [("", "median s", "least to greatest", "times ours")]
    figures = {}
    for worker in workers:
        seconds = worker.values("seconds")
        ratio = statistics.median(theirs / our for theirs, our in zip(seconds, ours))
        rows.append((worker.name, f"{statistics.median(seconds):.3f}", f"{min(seconds):.3f} to {max(seconds):.3f}",
                     f"{ratio:.2f}"))
        figures[worker.name] = dict(seconds=seconds, ratio=ratio)
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    for row in rows:
        print("  " + row[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:])), sep="   ")
    return figures


def share(title, values, aim):
    """One line with a share, its aim and whether it is met."""
    middle = statistics.median(values)
    verdict = "met" if middle < aim else "MISSED"
    print(f"  {title}: {spread(values, '{:.2%}'.format)}, aim under {aim:.0%}: {verdict}")
    return dict(values=values, median=middle, aim=aim)


def report(args, workers, load):
    """Prints the sections that were asked for and writes them to `report.json`."""
    cpus = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    machine = f"{cpu_name()}, {platform.system()}, {cpus} of {os.cpu_count()} CPUs"
    print(f"\n{load.steps} steps of DDIM, guidance {load.guidance:g}, seed {load.seed}, \"{load.prompt}\"")
    print(f"{args.threads} thread(s), {args.runs} runs, {machine}")
    result = dict(machine=machine, workload=vars(load), runs=args.runs)
    ours = workers[0]
    seconds = ours.values("seconds")
    if "picture" in args.sections:
        print("\npicture: from prompt to pixels")
        result["picture"] = picture(workers)
    if "overhead" in args.sections:
        print("\noverhead")
        shares = [1 - inside / whole for inside, whole in zip(ours.values("ort_seconds"), seconds)]
        result["overhead"] = share("time outside ONNX Runtime calls", shares, OVERHEAD_AIM)
    if "switch" in args.sections:
        print("\nswitch")
        shares = [switch / step for switch, step in zip(ours.values("switch_seconds"), ours.values("step_seconds"))]
        milliseconds = 1000 * statistics.median(ours.values("switch_seconds"))
        title = f"switching a subject on ({milliseconds:.2f} ms), as a share of one step"
        result["switch"] = share(title, shares, SWITCH_AIM)
    args.work.mkdir(parents=True, exist_ok=True)
    path = args.work / "report.json"
    path.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    print(f"\nEvery run: {path}")


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
    parser.add_argument("sections", nargs="*", metavar="|".join(SECTIONS), help="all of them by default")
    parser.add_argument("--cones", type=Path, required=True)
    parser.add_argument("--bundle", type=Path, default=MODELS / "toybox/bundle")
    parser.add_argument("--diffusers", type=Path, default=MODELS / "toybox/diffusers")
    parser.add_argument("--work", type=Path, default=Path("target/bench"), help="exports and the report")
    parser.add_argument("--runs", type=int, default=7)
    parser.add_argument("--threads", type=int, default=1)
    args = parser.parse_args()
    for section in args.sections:
        if section not in SECTIONS:
            parser.error(f"there is no '{section}', only {', '.join(SECTIONS)}")
    if args.runs < 1 or args.threads < 1:
        parser.error("--runs and --threads start at 1")
    args.sections = args.sections or list(SECTIONS)
    return args


def main():
    args = arguments()
    workers = []
    try:
        load = workload.from_bundle(args.bundle, args.threads)
        pin(args.threads)
        workers = start(args, load)
        take_turns(workers, args.runs)
        report(args, workers, load)
    except (WorkerFailed, OSError, ValueError, KeyError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    finally:
        for worker in workers:
            worker.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
