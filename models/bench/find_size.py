"""The part `find` of the section `size`: a step of `cones find --low-memory` at full size, and what it takes of memory.

The step is a whole one of the default way, on random pictures: projections, the differentiated U-Net, the mask's own step. The
smallest batch that `find` takes is measured, of each form of the bundle. At 256 pixels PyTorch goes beside it (forward pass
and `backward()` of diffusers' U-Net in float32); at 512 that does not fit beside other programs on a machine of 16 GB.
"""
import statistics
import sys
from pathlib import Path

from table import table
from worker import Worker

HERE = Path(__file__).resolve().parent
BATCH = 2
# Resident at 512 pixels.
AIM = 8e9


def run(args, threads, kept):
    """One program after another, each alone: seconds a step by step, and the most that was resident."""
    pixels = args.pixels or 512
    common = ["--batch", BATCH, "--threads", threads, "--pixels", pixels]
    bundles = dict(mapped=args.model.bundle)
    bundles.update(form.partition("=")[::2] for form in args.form or [])
    programs = {f"find, {name}": [args.gradient_bench, "--bundle", bundle, "--find", "--low-memory", *common]
                for name, bundle in bundles.items() if "static" not in name}
    if pixels <= 256:
        programs["PyTorch"] = [sys.executable, HERE / "torch_gradient.py", args.model.diffusers, "--bundle", args.model.bundle,
                               "--provider", "cpu", *common]
    found = {name: kept.run(f"{name}, {threads} thread(s)", command, lambda name=name, command=command:
                            steps(name, command, threads, args.steps)) for name, command in programs.items()}
    print(f"\nfind: {pixels} pixels, batch {BATCH}, {threads} thread(s), --low-memory, each in a process of its own\n")
    reference = found.get("PyTorch")
    rows = [("", "s a step", "of PyTorch's", "peak MB", "of PyTorch's")]
    for name, one in found.items():
        ratio = lambda key: f"{middle(one, key) / middle(reference, key):.2f}" if reference else ""
        rows.append((name, f"{middle(one, 'seconds'):.2f}", ratio("seconds"), f"{middle(one, 'peak_bytes') / 1e6:.0f}",
                     ratio("peak_bytes")))
    table(rows)
    for name, one in found.items():
        if pixels == 512:
            peak = middle(one, "peak_bytes")
            print(f"  {name}: peak {peak / 1e6:.0f} MB, aim under {AIM / 1e6:.0f} MB: {'met' if peak < AIM else 'MISSED'}")
    return found


def steps(name, command, threads, count):
    """Answers to as many steps, after one that does not count. Memory is that of the last, the highest of all."""
    worker = Worker(name, command, threads)
    try:
        worker.ask("run")
        answers = [worker.ask("run") for _ in range(count)]
    finally:
        worker.close()
    return dict(seconds=[one["seconds"] for one in answers], peak_bytes=[answers[-1]["peak_bytes"]], norm=answers[-1]["norm"])


def middle(one, key):
    return statistics.median(one[key])
