"""The section `size`: whole pictures at Stable Diffusion 1.5's true sizes, each from a cold start in a process of its own.

| program | what it is |
|---|---|
| cones, mapped | the bundle with the least memory: weights stay in their files, the VAE goes in blocks of rows |
| cones, in 1.9 GB | the same files, the fastest way that fits: mapped too at 512 pixels, with both branches of guidance at once |
| cones, fast | the same bundle, folded and packed |
| cones, NAME | another form of it, given as `--form NAME=BUNDLE`, with the least memory |
| cones, before | an older build of ours and a bundle that it imported, given as `--before CONES=BUNDLE`, as it draws by itself |
| onnxruntime | Python, on the unsplit export |
| diffusers float32, bfloat16 | PyTorch, attention by SDPA |
| sd.cpp f16, q8_0, q4_0 | stable-diffusion.cpp on the same weights, flash attention on |

One process runs at a time: several of this size do not fit beside each other, and would slow each other down. Each round
takes them in another order, so a machine that slows down slows all of them. Finished runs are kept in target/bench/size.json
and not made again, so an interrupted bench goes on; a program or bundle that has changed since is run anew.
"""
import hashlib
import json
import os
import statistics
import subprocess
import sys
from pathlib import Path

import find_size
import sdcpp
import watch
from table import table
from worker import WorkerFailed

HERE = Path(__file__).resolve().parent
SDCPP_TYPES = ("f16", "q8_0", "q4_0")
# More than anybody has: the fastest way is taken, whatever is free.
PLENTY = "1000G"
# What a phone of today lets an app have.
PHONE = "1900M"
# Of a whole run at 512 pixels, guidance on.
AIMS = {"cones, mapped": 1.9e9, "cones, in 1.9 GB": 1.9e9, "cones, int8": 1.5e9, "cones, int8-static": 1.5e9}


def run(args, load, _workers):
    """Times and weighs all programs that are asked for, with each number of threads."""
    result, kept = {}, Kept(args)
    for threads in args.thread_counts:
        programs = programs_of(args, load, threads)
        runs = {name: [] for name in programs}
        for turn in range(args.runs):
            names = list(programs)
            start = turn % max(1, len(names))
            for name in names[start:] + names[:start]:
                what = f"{name}, {threads} thread(s), round {turn + 1}"
                runs[name].append(kept.run(what, programs[name][0], lambda name=name: one(name, programs[name], threads)))
        limits = limit(args, threads, kept) if "limit" in args.only else None
        if programs:
            report(args, threads, runs, limits)
        found = find_size.run(args, threads, kept) if "find" in args.only else None
        result[f"{threads} thread(s)"] = dict(runs=runs, limit=limits, find=found)
    return dict(size=result)


class Kept:
    """What is finished, in a file: a bench of an hour may be interrupted."""

    def __init__(self, args):
        self.path, self.sizes = args.work / "size.json", f"{args.pixels or 512} px, {args.steps} step(s)"
        is_there = self.path.exists() and not args.again
        self.runs = json.loads(self.path.read_text(encoding="utf-8")) if is_there else {}
        self.digests = {}

    def run(self, what, command, work):
        """What `work()` gives, unless it is there already of the same files and sizes."""
        key = f"{what}, {self.sizes}, {self.stamp(command)}"
        if key in self.runs:
            print(f"  {what}: kept", flush=True)
            return self.runs[key]
        print(f"  {what}", flush=True)
        self.runs[key] = work()
        part = self.path.with_suffix(".part")
        part.write_text(json.dumps(self.runs, indent=1) + "\n", encoding="utf-8")
        os.replace(part, self.path)
        return self.runs[key]

    def stamp(self, command):
        """Tells programs and bundles from others: by the contents of those that the command names."""
        digest = hashlib.sha256()
        for word in map(Path, map(str, command)):
            file = word / "bundle.json" if word.is_dir() else word
            # The picture that a program writes says nothing of it.
            if file.is_file() and file.suffix != ".png":
                if file not in self.digests:
                    self.digests[file] = hashlib.sha256(file.read_bytes()).digest()
                digest.update(self.digests[file])
        return digest.hexdigest()[:12]


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
        ours("in 1.9 GB", model.bundle, "--memory-budget", PHONE)
        ours("fast", model.bundle, "--memory-budget", PLENTY)
        for form in args.form or []:
            name, _, folder = form.partition("=")
            ours(name, folder, "--low-memory")
        if args.before:
            cones, _, folder = args.before.partition("=")
            ours("before", folder)
            programs["cones, before"][0][0] = cones
    if "onnxruntime" in args.only:
        python("onnxruntime", "size_ort.py", model.diffusers, "--onnx", model.exported("fused"))
    if "diffusers" in args.only:
        for kind in ("float32", *(["bfloat16"] if has_bfloat16() else [])):
            python(f"diffusers {kind}", "size_diffusers.py", model.diffusers, "--dtype", kind)
    if "sdcpp" in args.only:
        env = dict(PYTHONPATH=str(sdcpp.package(args.work)))
        folder = sdcpp.model(model.diffusers, model.work)
        for kind in SDCPP_TYPES:
            python(f"sd.cpp {kind}", "size_sdcpp.py", folder, "--type", kind, env=env)
    if not programs and not args.only & {"limit", "find"}:
        raise WorkerFailed("--only leaves nothing to run")
    return programs


def has_bfloat16():
    """Whether PyTorch has kernels for it here. Without them two steps at 256 pixels were not done after seven minutes."""
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as lines:
            has = any("avx512f" in line or "bf16" in line for line in lines if line.startswith(("flags", "Features")))
    except OSError:
        has = True
    if not has:
        print("  diffusers bfloat16 is left out: this processor has no instructions for it")
    return has


def one(name, program, threads):
    """One process: seconds by stage, and memory."""
    command, env = program
    answer = watch.run(name, command, threads, env)
    seconds = answer["seconds"]
    return dict(loading=seconds["loading"], text=seconds["text"], step=seconds["unet"] / answer["steps"],
                decoding=seconds["decoding"], **{key: answer[key] for key in ("wall", "peak", "dirty", "clean")})


def limit(args, threads, kept):
    """What the core can do at most; see `limit.py`."""
    command = [sys.executable, HERE / "limit.py", args.model.diffusers, "--pixels", args.pixels or 512, "--threads", threads]

    def work():
        done = subprocess.run([str(part) for part in command], capture_output=True, text=True)
        if done.returncode:
            raise WorkerFailed(f"limit: it failed:\n{done.stderr[-2000:]}")
        return json.loads(done.stdout)

    return kept.run(f"limit, {threads} thread(s)", command, work)


def report(args, threads, runs, limits):
    """The table: medians over the rounds. Ratios of steps are medians too, each to the fast form's step in that round."""
    pixels = args.pixels or 512
    print(f"\nsize: {pixels} pixels, guidance on, {args.steps} step(s), {threads} thread(s), each in a process of its own\n")
    rows = [("", "s a step", "x fast", "x before", "of the limit", "loading s", "text s", "decode s", "whole s", "peak MB", "dirty MB",
             "clean MB")]
    for name, seen in runs.items():
        def middle(key):
            return statistics.median(one[key] for one in seen)

        def times(other):
            pairs = zip(seen, runs.get(f"cones, {other}", []))
            ratios = [one["step"] / reference["step"] for one, reference in pairs]
            return f"{statistics.median(ratios):.2f}" if ratios else ""

        share = ""
        if limits:
            best = max(limits["float32"], limits["float32_pytorch"])
            share = f"{limits['step_flops'] / middle('step') / best:.0%}"
        seconds = [f"{middle(key):.2f}" for key in ("loading", "text", "decoding", "wall")]
        memory = [f"{middle(key) / 1e6:.0f}" for key in ("peak", "dirty", "clean")]
        rows.append((name, f"{middle('step'):.2f}", times("fast"), times("before"), share, *seconds, *memory))
    table(rows)
    if limits:
        rates = ", ".join(f"{key} {limits[key] / 1e9:.0f}" for key in ("float32", "float32_pytorch", "int8"))
        print(f"\n  one step: {limits['step_flops'] / 1e12:.2f} million million operations; products of "
              f"2048 x 2048 matrices, in thousand millions a second: {rates}. The limit is that of float32.")
    for name, aim in AIMS.items():
        if name in runs and pixels == 512:
            peak = statistics.median(one["peak"] for one in runs[name])
            print(f"  {name}: peak {peak / 1e6:.0f} MB, aim under {aim / 1e6:.0f} MB: {'met' if peak < aim else 'MISSED'}")
