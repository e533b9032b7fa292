"""Times and weighs a VAE's decoders alone, each in a process of its own, and compares their results.

    python decode.py GRAPH [GRAPH…] [--pixels 512] [--threads 1] [--runs 3]

Graphs called `*.mapped.onnx` are loaded as a device with little memory loads them: weights mapped, nothing packed, no arena. Others
are folded and packed, in an arena. Ratios and differences are to the first graph. Seconds are the processor's: other work on the
machine does less to them.
"""
import argparse
import statistics
import sys
import tempfile
from pathlib import Path

import watch
from once import Stages
from table import table


def one(args):
    """The process of one graph: decodes once, and writes the picture."""
    stages = Stages()
    import time

    import numpy as np
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.log_severity_level = args.threads, 3
    if args.graphs[0].name.endswith(".mapped.onnx"):
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_EXTENDED
        options.enable_cpu_mem_arena = options.enable_mem_pattern = False
        options.add_session_config_entry("session.disable_prepacking", "1")
    side = args.pixels // 8
    for name, size in (("batch", 1), ("height", side), ("width", side)):
        options.add_free_dimension_override_by_name(name, size)
    session = stages.timed("loading", lambda: onnxruntime.InferenceSession(
        str(args.graphs[0]), options, providers=["CPUExecutionProvider"]))
    latent = np.random.default_rng(0).standard_normal((1, 4, side, side)).astype(np.float32)
    before = time.process_time()
    np.save(args.picture, session.run(None, dict(latent=latent))[0])
    stages.tell(0, processor=time.process_time() - before)


def all_of_them(args):
    """The table."""
    import numpy as np

    runs, pictures = {graph: [] for graph in args.graphs}, {}
    with tempfile.TemporaryDirectory() as work:
        for turn in range(args.runs):
            for graph in args.graphs[turn % len(args.graphs):] + args.graphs[:turn % len(args.graphs)]:
                picture = Path(work) / "picture.npy"
                command = [sys.executable, __file__, graph, "--picture", picture, "--pixels", args.pixels, "--threads",
                           args.threads]
                runs[graph].append(watch.run(graph.name, command, args.threads))
                pictures[graph] = np.load(picture)
    rows = [("", "seconds", "of the first's", "peak MB", "dirty MB", "clean MB", "largest difference")]
    first = runs[args.graphs[0]]
    for graph, seen in runs.items():
        ratio = statistics.median(one["processor"] / other["processor"] for one, other in zip(seen, first))
        memory = [f"{statistics.median(one[key] for one in seen) / 1e6:.0f}" for key in ("peak", "dirty", "clean")]
        difference = abs(pictures[graph] - pictures[args.graphs[0]]).max()
        rows.append((graph.name, f"{statistics.median(one['processor'] for one in seen):.1f}", f"{ratio:.2f}", *memory,
                     f"{difference:.1e}"))
    table(rows)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("graphs", type=Path, nargs="+", metavar="GRAPH")
    parser.add_argument("--pixels", type=int, default=512)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--picture", type=Path, help=argparse.SUPPRESS)
    args = parser.parse_args()
    (one if args.picture else all_of_them)(args)


if __name__ == "__main__":
    main()
