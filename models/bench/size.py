"""The section `size`: whole pictures at Stable Diffusion 1.5's true sizes, each from a cold start in a process of its own.

| program | what it is |
|---|---|
| cones, mapped | the bundle with the least memory: weights stay in their files, the VAE goes in blocks of rows |
| cones, fast | the same bundle, folded and packed |
| cones, NAME | another form of it, given as `--form NAME=BUNDLE`, with the least memory |
| onnxruntime | Python, on the unsplit export |
| diffusers float32, bfloat16 | PyTorch, attention by SDPA |
| sd.cpp f16, q8_0, q4_0 | stable-diffusion.cpp on the same weights, flash attention on |

One process runs at a time: several of this size do not fit beside each other, and would slow each other down. Each round
takes them in another order, so a machine that slows down slows all of them.
"""
import json
import statistics
import subprocess
import sys
from pathlib import Path

import sdcpp
import watch
from table import table
from worker import WorkerFailed

HERE = Path(__file__).resolve().parent
SDCPP_TYPES = ("f16", "q8_0", "q4_0")
# More than anybody has: the fastest way is taken, whatever is free.
PLENTY = "1000G"
# Of a whole run at 512 pixels, guidance on.
AIMS = {"cones, mapped": 1.9e9, "cones, int8": 1.5e9}


def run(args, load, _workers):
    """Times and weighs all programs that are asked for, with each number of threads."""
    result = {}
    for threads in args.thread_counts:
        programs = programs_of(args, load, threads)
        runs = {name: [] for name in programs}
        for turn in range(args.runs):
            names = list(programs)
            for name in names[turn % len(names):] + names[:turn % len(names)]:
                print(f"  {name}, {threads} thread(s), round {turn + 1}", flush=True)
                runs[name].append(one(name, programs[name], threads))
        limits = limit(args, threads) if "limit" in args.only else None
        report(args, threads, runs, limits)
        result[f"{threads} thread(s)"] = dict(runs=runs, limit=limits)
    return dict(size=result)


def programs_of(args, load, threads):
    """Commands and environments by name, those of `--only`; what one needs is made when it is first needed."""
    model, pixels = args.model, str(args.pixels or 512)
    common = ["--prompt", load.prompt, "--seed", load.seed, "--steps", args.steps, "--guidance", load.guidance,
              "--threads", threads]
    programs = {}

    def ours(name, bundle, *more):
        out = args.work / "size.png"
        programs[f"cones, {name}"] = ([args.cones, "generate", "--bundle", bundle, *common, "--scheduler", "ddim", "--width",
                                       pixels, "--height", pixels, "--out", out, "--json", "--quiet", *more], {})

    def python(name, script, folder, *more, env=None):
        programs[name] = ([sys.executable, HERE / script, folder, *common, "--pixels", pixels, *more], env or {})

    if "cones" in args.only:
        ours("mapped", model.bundle, "--low-memory")
        ours("fast", model.bundle, "--memory-budget", PLENTY)
        for form in args.form or []:
            name, _, folder = form.partition("=")
            ours(name, folder, "--low-memory")
    if "onnxruntime" in args.only:
        python("onnxruntime", "size_ort.py", model.diffusers, "--onnx", model.exported("fused"))
    if "diffusers" in args.only:
        for kind in ("float32", "bfloat16"):
            python(f"diffusers {kind}", "size_diffusers.py", model.diffusers, "--dtype", kind)
    if "sdcpp" in args.only:
        env = dict(PYTHONPATH=str(sdcpp.package(model.work)))
        folder = sdcpp.model(model.diffusers, model.work)
        for kind in SDCPP_TYPES:
            python(f"sd.cpp {kind}", "size_sdcpp.py", folder, "--type", kind, env=env)
    if not programs and args.only != {"limit"}:
        raise WorkerFailed("--only leaves nothing to run")
    return programs


def one(name, program, threads):
    """One process: seconds by stage, and memory."""
    command, env = program
    answer = watch.run(name, command, threads, env)
    seconds = answer["seconds"]
    return dict(loading=seconds["loading"], text=seconds["text"], step=seconds["unet"] / answer["steps"],
                decoding=seconds["decoding"], **{key: answer[key] for key in ("wall", "peak", "dirty", "clean")})


def limit(args, threads):
    """What the core can do at most; see `limit.py`."""
    print(f"  limit, {threads} thread(s)", flush=True)
    command = [sys.executable, HERE / "limit.py", args.model.diffusers, "--pixels", args.pixels or 512, "--threads", threads]
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True)
    if done.returncode:
        raise WorkerFailed(f"limit: it failed:\n{done.stderr[-2000:]}")
    return json.loads(done.stdout)


def report(args, threads, runs, limits):
    """The table: medians over the rounds."""
    pixels = args.pixels or 512
    print(f"\nsize: {pixels} pixels, guidance on, {args.steps} step(s), {threads} thread(s), each in a process of its own\n")
    rows = [("", "s a step", "loading s", "text s", "decode s", "whole s", "peak MB", "dirty MB", "clean MB", "of the limit")]
    for name, seen in runs.items():
        def middle(key):
            return statistics.median(one[key] for one in seen)

        share = ""
        if limits:
            best = max(limits["float32"], limits["float32_pytorch"])
            share = f"{limits['step_flops'] / middle('step') / best:.0%}"
        seconds = [f"{middle(key):.2f}" for key in ("step", "loading", "text", "decoding", "wall")]
        memory = [f"{middle(key) / 1e6:.0f}" for key in ("peak", "dirty", "clean")]
        rows.append((name, *seconds, *memory, share))
    table(rows)
    if limits:
        rates = ", ".join(f"{key} {limits[key] / 1e9:.0f}" for key in ("float32", "float32_pytorch", "int8"))
        print(f"\n  one step: {limits['step_flops'] / 1e12:.2f} million million operations; products of "
              f"2048 x 2048 matrices, in thousand millions a second: {rates}. The limit is that of float32.")
    for name, aim in AIMS.items():
        if name in runs and pixels == 512:
            peak = statistics.median(one["peak"] for one in runs[name])
            print(f"  {name}: peak {peak / 1e6:.0f} MB, aim under {aim / 1e6:.0f} MB: {'met' if peak < aim else 'MISSED'}")
