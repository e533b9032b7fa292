"""The sections `picture` and `overhead`: whole pictures, from prompt to pixels."""
import statistics
import sys
from pathlib import Path

from table import aim, table
from worker import Worker, take_turns

HERE = Path(__file__).resolve().parent
OVERHEAD_AIM = 0.02
WHAT = "picture"


def run(args, load, workers):
    """Times both sections, as far as they are asked for. Programs that are started are added to `workers`."""
    workers.append(Worker("cones", [args.cones, "bench", "--bundle", args.model.bundle, "--scheduler", "ddim",
                                    *load.flags()], args.threads))
    if WHAT in args.sections:
        def python(name, script, *more):
            command = [sys.executable, HERE / script, args.model.diffusers, *load.flags(), *more]
            workers.append(Worker(name, command, args.threads))

        for dialect in ("fused", "plain"):
            folder = args.model.exported(dialect)
            python(f"onnxruntime in Python, {dialect} export", "ort_unsplit.py", "--onnx", folder)
        python("diffusers in PyTorch", "diffusers_ref.py")
    take_turns(workers, WHAT, args.runs)
    print(f"\n{load.steps} steps of DDIM, guidance {load.guidance:g}, seed {load.seed}, \"{load.prompt}\"")
    result = {}
    if WHAT in args.sections:
        print("\npicture: from prompt to pixels")
        result[WHAT] = compared(workers)
    if "overhead" in args.sections:
        print("\noverhead")
        ours = workers[0]
        shares = [1 - inside / whole for inside, whole in zip(ours.values("ort_seconds"), ours.values("seconds"))]
        result["overhead"] = aim("time outside ONNX Runtime calls", shares, "{:.2%}".format, OVERHEAD_AIM)
    return result


def compared(workers):
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
    table(rows)
    return figures
