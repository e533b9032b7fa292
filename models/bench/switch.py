"""The section `switch`: subjects on and off, against what people do today to change a model's weights.

| program | what it does |
|---|---|
| cones | masks applied to the base products, K and V made anew |
| ONNX Runtime | a session built again, the masked projections handed to it as initializers |
| PyTorch | the masked weights written in place, and K and V computed, as every step then does |
"""
import os
import statistics
import sys
from pathlib import Path

from table import aim, duration, spread, table
from worker import Worker, take_turns

HERE = Path(__file__).resolve().parent
STEP, SWITCH = "step", "switch"
# Of a step: the built-in model's steps are 22 ms short, so its aim is wider.
SHARE_AIM = {"toybox": 0.05, "sd15": 0.03}
SECONDS_AIM = 0.1


def run(args, load, workers):
    """Times a step first and lets its program go: a large model is in memory once at a time."""
    result = dict(step=step(args, load))
    forget(args.model.bundle / "attention.safetensors")
    masks = ["--share", str(args.share), "--subjects", str(args.subjects)]
    workers.append(ours(args, load, *masks))

    def python(name, script, *more):
        workers.append(Worker(name, [sys.executable, HERE / script, args.model.diffusers, *more, "--threads", args.threads,
                                     "--share", args.share], args.threads))

    python("ONNX Runtime", "ort_rebuild.py", "--onnx", args.model.exported("fused"))
    python("PyTorch", "torch_write.py")
    cold = take_turns(workers, SWITCH, args.runs)[0]
    result["cold"] = cold
    result[SWITCH] = {worker.name: worker.runs for worker in workers}
    report(args, workers, result)
    return result


def ours(args, load, *more):
    return Worker("cones", [args.cones, "bench", "--bundle", args.model.bundle, "--scheduler", "ddim", *load.flags(), *more],
                  args.threads)


def step(args, load):
    """Seconds of single steps, both branches of the guidance."""
    worker = ours(args, load)
    try:
        take_turns([worker], STEP, args.runs)
    finally:
        worker.close()
    return worker.values("seconds")


def forget(path):
    """Takes a file out of memory, where the system can: what was just installed is not read yet either."""
    if hasattr(os, "posix_fadvise"):
        with open(path, "rb") as file:
            os.fsync(file.fileno())
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def report(args, workers, result):
    """The table, the ratios and the aims."""
    cones, rebuild, write = workers
    seconds = statistics.median(result["step"])
    first = cones.runs[0]
    print(f"\nswitch: {first['neurons']} of {first['weights']} weights ({first['neurons'] / first['weights']:.2%}), "
          f"{args.subjects} subject(s)")
    print(f"  one step, both branches: {spread(result['step'], duration)}")
    print(f"  base products that are kept: {first['base_bytes'] / 1e6:.1f} MB a prompt\n")

    def case(*path):
        return cones.values(*path)

    def both_new_prompt():
        # The negative prompt stays, and so do its base products.
        return [a + b for a, b in zip(case("prompt", "projection"), case("both", "other_subjects"))]

    reference = case("both", "other_subjects")
    rows = [("", "one branch", "both branches", "of a step", "times ours")]

    def row(name, one, both):
        middle = statistics.median(both)
        ratio = statistics.median(theirs / our for theirs, our in zip(both, reference))
        of_step = middle / seconds
        rows.append((name, duration(statistics.median(one)) if one else "", duration(middle),
                     f"{of_step:.2%}" if of_step < 1 else f"{of_step:.1f} steps", f"{ratio:.1f}"))

    row("other subjects", case("prompt", "other_subjects"), reference)
    row("other subjects, by the dense product of masked weights", case("dense"), case("dense_both"))
    row("all off", case("prompt", "all_off"), case("both", "all_off"))
    row("a new prompt, with subjects", case("prompt", "new_prompt"), both_new_prompt())
    row("both prompts new, with subjects", None, case("both", "new_prompt"))
    row("ONNX Runtime: session built again", None, rebuild.values("seconds"))
    row("PyTorch: weights written back, others shut", None, write.values("write_seconds"))
    row("PyTorch: and K and V, in every step", None, write.values("seconds"))
    table(rows)
    print(f"\n  first time, the file on the disk: {duration(result['cold']['prompt']['new_prompt'])}, one branch")
    share = [s / seconds for s in reference]
    result["share"] = aim("other subjects, as a share of a step", share, "{:.2%}".format, SHARE_AIM[args.size])
    if args.size == "sd15":
        result["new_prompt"] = aim("a new prompt, with subjects", both_new_prompt(), duration, SECONDS_AIM)
