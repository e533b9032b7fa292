"""The section `gradient`: one step of `cones find`, loss and gradients of every K and V, against PyTorch's eager mode.

| program | what it does |
|---|---|
| cones | the bundle's differentiated graph in ONNX Runtime; with `--low-memory` beside it |
| a whole step of `cones find` | the same with K and V of the masked weights before it, the gradient of the weights and the mask's own step behind it, in Rust |
| PyTorch | diffusers' U-Net of the same weights, its forward pass and `backward()`, the projections detached |

All take the same sizes, threads and device, and random numbers of the same spread. Losses are compared first, on numbers
that both are given, so that nobody is timed at something else.
"""
import statistics
import sys
from pathlib import Path

from table import duration, spread, table
from worker import Worker, take_turns

HERE = Path(__file__).resolve().parent
STEP = "run"
WHOLE = "a whole step of cones find"
# Of PyTorch's time: on the CPU at every size, and on CUDA where there is one.
AIM = 1.0


def run(args, load, workers):
    """Times one batch size after another; a large model is in memory once for each program."""
    result = {}
    for batch in args.batch or [args.model.batch]:
        result[f"batch {batch}"] = one(args, batch, workers)
        while workers:
            workers.pop().close()
    return dict(gradient=result)


def one(args, batch, workers):
    common = ["--batch", batch, "--threads", args.threads, "--provider", args.provider]
    if args.pixels:
        common += ["--pixels", args.pixels]

    def start(name, *command):
        workers.append(Worker(name, [*command, *common], args.threads))

    ours = [args.gradient_bench, "--bundle", args.model.bundle]
    start("cones", *ours)
    start("cones, little memory", *ours, "--low-memory")
    start(WHOLE, *ours, "--find")
    start("PyTorch", sys.executable, HERE / "torch_gradient.py", args.model.diffusers, "--bundle", args.model.bundle)
    take_turns(workers, STEP, args.runs)
    return report(args, batch, workers)


def report(args, batch, workers):
    """The table and the ratio that there is an aim for."""
    reference = workers[-1].values("seconds")
    rows = [("", "a step", "of PyTorch's", "most memory", "gradients' norm")]
    for worker in workers:
        seconds = worker.values("seconds")
        ratio = statistics.median(ours / theirs for ours, theirs in zip(seconds, reference))
        rows.append((worker.name, duration(statistics.median(seconds)), f"{ratio:.3f}",
                     f"{worker.values('peak_bytes')[-1] / 1e6:.0f} MB", f"{worker.values('norm')[-1]:.6g}"))
    pixels = f"{args.pixels} pixels" if args.pixels else "pictures of the model's own size"
    print(f"\ngradient: batch {batch}, {pixels}, {args.provider}\n")
    table(rows)
    # A whole step makes K and V of its own, and its gradient is the weights'.
    same, whole = ([worker for worker in workers if (worker.name == WHOLE) == is_whole] for is_whole in (False, True))
    norms = [worker.values("norm")[-1] for worker in same]
    if max(norms) > 1.001 * min(norms):
        print("  warning: the gradients differ, so different things were timed", file=sys.stderr)
    ratios = [ours / theirs for ours, theirs in zip(workers[0].values("seconds"), reference)]
    print(f"  a step, of PyTorch's time: {spread(ratios, '{:.3f}'.format)}, aim under {AIM:.2f}: "
          f"{'met' if statistics.median(ratios) < AIM else 'MISSED'}")
    graph = workers[0].values("seconds")
    outside = [1 - inside / all_of_it for inside, all_of_it in zip(graph, whole[0].values("seconds"))]
    print(f"  of a whole step, outside ONNX Runtime: {spread(outside, '{:.1%}'.format)}; as nodes of the graph, with their "
          "state kept on the device, they could save no more")
    return {worker.name: worker.runs for worker in workers}
