"""What the systems work with: the base model in PyTorch, the `cones` command, and a folder that keeps what was made."""
import argparse
import subprocess
import sys
import zlib
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from base import Base
from cones import Cones
from prompts import KINDS, in_contexts
from drawn import Drawn
from layout import boxes
from method import LENGTHS, Learned
from paths import ROOT

from world import sheet


def noise(seed):
    """The seed of a picture's noise, the same for every system."""
    return 1000 + seed


def drawn_file(work, system, words, seed):
    """Where the pictures of a system are kept."""
    return work / "pictures" / f"{'-'.join(words)}.{seed}.{system}.npz"


def parser(section, about):
    """The arguments that all benches here have: what `cargo xtask bench` passes, and the base model."""
    arguments = argparse.ArgumentParser(prog=f"cargo xtask bench {section}", description=about, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("section", nargs="?", help=argparse.SUPPRESS)
    arguments.add_argument("--cones", required=True, help=argparse.SUPPRESS)
    arguments.add_argument("--work", required=True, type=Path, help=argparse.SUPPRESS)
    arguments.add_argument("--bundle", type=Path, default=ROOT / "models/toybox/bundle")
    arguments.add_argument("--diffusers", type=Path, help="the folder that the bundle came from; Toybox's is made from its bundle")
    return arguments


class Bench:
    def __init__(self, args):
        self.work = args.work / "table"
        self.work.mkdir(parents=True, exist_ok=True)
        folder = args.diffusers or self.work / "toybox"
        if not args.diffusers:
            command = [sys.executable, ROOT / "models/toybox/pipeline.py", folder, "--bundle", args.bundle]
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        self.base = Base(folder)
        self.cones = Cones(args.cones, args.bundle, self.work / "cones")

    @staticmethod
    def asked(subjects):
        """The contexts, and the captions in class words."""
        return KINDS, in_contexts([subject.word for subject in subjects])

    def trained(self, method, subjects, length, rate=None):
        """What a method has learned of subjects after so many steps for each, one of LENGTHS; trained once for all of these."""
        rate = rate or method.RATE
        name = f"{'-'.join(subject.word for subject in subjects)}-{rate:g}"
        files = {steps: self.work / method.__name__ / f"{name}-{steps}.safetensors" for steps in LENGTHS}
        if not all(file.exists() for file in files.values()):
            self.base.restore()
            # The same noise and timesteps each time it is trained.
            torch.manual_seed(zlib.crc32(name.encode()))
            for file, learned in zip(files.values(), method.train(self.base, subjects, self.work, rate)):
                file.parent.mkdir(parents=True, exist_ok=True)
                part = file.with_suffix(".part")
                tensors = {key: value.contiguous() for key, value in learned.tensors.items()}
                save_file(tensors, part, {"bytes": str(learned.bytes), "seconds": str(learned.seconds)})
                part.replace(file)
        with safe_open(files[length], "pt") as opened:
            about = opened.metadata()
        return Learned(load_file(files[length]), int(about["bytes"]), float(about["seconds"]))

    def drawn(self, method, subjects, parts, seed, boxed=False):
        """Pictures of what was learned, in every context; in boxes, if asked so."""
        self.base.restore()
        for tensors in parts:
            method.apply(self.base, tensors)
        called = [method.called(subject) for subject in subjects]
        prompts = in_contexts(called)
        return self.base.draw(prompts, [noise(seed)] * len(prompts), boxes(called) if boxed else None)

    def kept(self, system, words, seed, run, again=False):
        """What a system has drawn, drawn once; so pictures can be judged anew when the judge has changed. A sheet of them is kept, to be looked at."""
        file = drawn_file(self.work, system, words, seed)
        if again or not file.exists():
            drawn = run()
            file.parent.mkdir(parents=True, exist_ok=True)
            part = file.with_suffix(".part.npz")
            known = {name: value for name, value in vars(drawn).items() if value is not None}
            np.savez_compressed(part, **known)
            part.replace(file)
            self.sheet(system, words, seed, drawn.pictures)
        with np.load(file) as opened:
            numbers = {name: opened[name].item() for name in opened if name != "pictures"}
            return Drawn(opened["pictures"], **numbers)

    def sheet(self, system, words, seed, pictures):
        """Keeps the pictures to be looked at."""
        file = self.work / "sheets" / f"{'-'.join(words)}.{seed}.{system}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        sheet([Image.fromarray(picture) for picture in pictures], 8).save(file)
