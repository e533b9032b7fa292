"""The CUDA provider on a borrowed machine, beside the CPU's and beside PyTorch on the same GPU.

    python check.py HOME OUT --provider cuda [--tiny]     # what `gpu.sh bring` kept lies in HOME/cuda; the report is OUT/cuda.txt

Every section has its own time limit and its own place in the report, written as soon as it is known: one that fails, or is cut
off, takes nothing from the others. The training goes on beside it on the same GPU, so times are to be read as ratios.
"""
import argparse
import importlib.util
import json
import os
import subprocess
import sys
import tarfile
import time
from pathlib import Path

import numpy as np
from PIL import Image

import pieces

ROOT = Path.cwd()
PROMPTS = ["a dog and an apple on grass", "a robot at night", "a cat on a blue background"]
NVIDIA = [Path("/usr/local/nvidia/lib64"), Path("/usr/local/nvidia/lib"), Path("/usr/local/cuda/lib64")]


class Check:
    """Where things lie, and the report."""

    def __init__(self, args):
        self.home, self.out, self.provider, self.tiny = args.home, args.out, args.provider, args.tiny
        self.tools, self.work = args.home / "tools", args.home / "check"
        self.bundle, self.pipeline = self.tools / "bundle", self.work / "pipeline"
        self.cones = self.tools / "bin/cones"
        self.work.mkdir(parents=True, exist_ok=True)
        self.report = open(args.out / "cuda.txt", "a", encoding="utf-8")

    def say(self, text):
        print(text, flush=True)
        self.report.write(text + "\n")
        self.report.flush()

    def environment(self):
        """With ONNX Runtime's library, and the CUDA libraries that came with PyTorch."""
        folders = [folder for folder in NVIDIA if folder.is_dir()]
        if spec := importlib.util.find_spec("torch"):
            site = Path(spec.origin).parents[1]
            folders += sorted({library.parent for library in (site / "nvidia").glob("**/lib/*.so*")})
        path = ":".join([str(self.tools / "ort"), *map(str, folders), os.environ.get("LD_LIBRARY_PATH", "")])
        return os.environ | {"ORT_DYLIB_PATH": str(self.tools / "ort/libonnxruntime.so"), "LD_LIBRARY_PATH": path.rstrip(":")}

    def run(self, *command, limit):
        """Output of a program; its last words where it fails."""
        done = subprocess.run([str(part) for part in command], capture_output=True, text=True, timeout=limit, cwd=ROOT,
                              env=self.environment())
        if done.returncode:
            raise RuntimeError(f"{Path(str(command[0])).name} ended with {done.returncode}: "
                               + " | ".join((done.stderr or done.stdout).strip().splitlines()[-6:]))
        return done.stdout


def unpack(check):
    """The archives out of the pieces."""
    archive, brought = check.home / "cuda.tar", check.home / "cuda"
    pieces.join("cuda.tar", archive, [brought])
    with tarfile.open(archive) as outer:
        outer.extractall(check.tools, filter="data")
    for inner in sorted(check.tools.glob("*.tar.gz")):
        with tarfile.open(inner) as packed:
            packed.extractall(check.tools, filter="data")
        inner.unlink()
    archive.unlink()
    check.run(sys.executable, ROOT / "models/toybox/pipeline.py", check.pipeline, "--bundle", check.bundle, limit=60)
    check.say(check.run(check.cones, "devices", limit=60).rstrip())


def draw(check, provider, scheduler, folder):
    """One picture of each prompt."""
    pictures = []
    for number, prompt in enumerate(PROMPTS[:1] if check.tiny else PROMPTS):
        path = check.work / folder / f"{scheduler}-{provider}-{number}.png"
        check.run(check.cones, "generate", "--bundle", check.bundle, "--provider", provider, "--prompt", prompt, "--quiet",
                  "--scheduler", scheduler, "--steps", 2 if check.tiny else 20, "--seed", 7, "--out", path, limit=60)
        pictures.append(np.asarray(Image.open(path).convert("RGB"), float))
    return pictures


def likeness(one, other):
    """PSNR in dB."""
    return float(10 * np.log10(255 ** 2 / max(1e-9, np.mean((np.asarray(one, float) - np.asarray(other, float)) ** 2))))


def parity(check):
    """The same pictures by both providers."""
    for scheduler in ["ddim", "euler-a"]:
        pairs = zip(draw(check, check.provider, scheduler, "parity"), draw(check, "cpu", scheduler, "parity"), strict=True)
        found = [likeness(one, other) for one, other in pairs]
        check.say(f"parity, {scheduler}: {check.provider} against cpu, PSNR of {len(found)} pictures: lowest {min(found):.1f} dB, "
                  f"mean {np.mean(found):.1f} dB")


def find(check):
    """`cones find` from pictures to pack, on the GPU."""
    found_by(check, check.provider)


def find_cpu(check):
    """The same on this machine's CPU, to compare seconds and losses."""
    if not check.tiny:
        found_by(check, "cpu")


def found_by(check, provider):
    pack, start = check.work / f"{provider}.cones", time.time()
    check.run(check.cones, "find", "--bundle", check.bundle, "--provider", provider, "--images",
              ROOT / "models/subjects/fluent-cat", "--class", "cat", "--steps", 2 if check.tiny else 200, "--out", pack,
              *(["--batch", 2, "--share", 5] if check.tiny else []), limit=200)
    seconds = time.time() - start
    record = json.loads(pack.with_suffix(".finding.json").read_text())
    figures = json.dumps({key: record[key] for key in ("share", "base", "chosen", "seconds")})
    check.say(f"find, {provider}: {seconds:.1f} s, pack of {pack.stat().st_size} bytes; {figures}")


def gradient(check):
    """`bench gradient` beside PyTorch's eager mode on the same device."""
    command = [sys.executable, ROOT / "models/bench/bench.py", "gradient", "--cones", check.cones, "--gradient-bench",
               check.tools / "bin/gradient_bench", "--bundle", check.bundle, "--diffusers", check.pipeline, "--work",
               check.work / "bench", "--provider", check.provider]
    command += ["--runs", 1, "--batch", 2] if check.tiny else ["--runs", 9, "--batch", 4, "--batch", 12, "--batch", 48]
    check.say(check.run(*command, limit=150).rstrip())


def pictures(check):
    """A whole picture: ours, warm, beside diffusers' in float16 and float32 on the same device."""
    steps, runs = (2, 1) if check.tiny else (20, 9)
    manifest = json.loads((check.bundle / "bundle.json").read_text())
    guidance = manifest["defaults"]["guidance"]
    ours = draw(check, check.provider, "ddim", "beside")[0]
    seconds = ours_timed(check, steps, guidance, runs)
    check.say(f"picture, cones on {check.provider}: {seconds * 1e3:.1f} ms")
    import torch
    from diffusers import StableDiffusionPipeline
    device = "cuda" if torch.cuda.is_available() else "cpu"
    for kind in [torch.float16, torch.float32] if device == "cuda" else [torch.float32]:
        pipe = StableDiffusionPipeline.from_pretrained(check.pipeline, dtype=kind, safety_checker=None).to(device)
        pipe.set_progress_bar_config(disable=True)
        times = []
        for _ in range(runs + 1):
            start = time.perf_counter()
            image = pipe(PROMPTS[0], num_inference_steps=steps, guidance_scale=guidance,
                         generator=torch.Generator().manual_seed(7)).images[0]
            times.append(time.perf_counter() - start)
        theirs = float(np.median(times[1:]))
        image.save(check.work / "beside" / f"diffusers-{str(kind).split('.')[1]}.png")
        check.say(f"picture, diffusers on {device}, {kind}: {theirs * 1e3:.1f} ms, {theirs / seconds:.2f} x ours; against our picture "
                  f"{likeness(image, ours):.1f} dB")


def ours_timed(check, steps, guidance, runs):
    """Median of whole pictures by one warm engine."""
    command = [check.cones, "bench", "--bundle", check.bundle, "--provider", check.provider, "--prompt", PROMPTS[0], "--seed", 7,
               "--steps", steps, "--guidance", guidance, "--scheduler", "ddim"]
    done = subprocess.run([str(part) for part in command], input="picture\n" * (runs + 1), capture_output=True, text=True,
                          timeout=100, cwd=ROOT, env=check.environment())
    found = [json.loads(line)["seconds"] for line in done.stdout.splitlines() if line.startswith("{")]
    if len(found) < 2:
        raise RuntimeError(f"cones bench: {done.stderr.strip()[-500:]}")
    return float(np.median(found[1:]))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("home", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--provider", default="cuda")
    parser.add_argument("--tiny", action="store_true", help="the rehearsal: a step or two of everything")
    check = Check(parser.parse_args())
    failed = 0
    for section in [unpack, parity, find, gradient, pictures, find_cpu]:
        start = time.time()
        try:
            section(check)
        except (Exception, SystemExit) as error:
            failed += 1
            check.say(f"{section.__name__} FAILED: {type(error).__name__}: {error}")
        check.say(f"({section.__name__}: {time.time() - start:.1f} s)")
        if section is unpack and failed:
            break
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
