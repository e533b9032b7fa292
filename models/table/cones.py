"""The two ways of Cones, found and drawn by the `cones` command: the paper's procedure, and ours.

Ours finds by straight-through gradients with scope `trigger`; several packs are switched on together as they are (`ours`), or after `cones tune` has found
their neurons anew for all of them (`tuned`). The paper's (`accumulate`, scope `prompt`) shuts a weight where the sum of its gradients says so; several
packs are united, which is the paper's concatenation.
"""
import json
import tempfile
import time
from pathlib import Path

import numpy as np
from PIL import Image

from base import GUIDANCE, STEPS
from paths import ROOT
import kept


class Cones:
    def __init__(self, command, bundle, work):
        self.command, self.bundle, self.work = command, bundle, work
        work.mkdir(parents=True, exist_ok=True)

    def run(self, *words):
        """What it says on its standard output."""
        return kept.said([self.command, *words])

    def at(self):
        return "--bundle", self.bundle, "--threads", 1, "--quiet"

    def found(self, subject, method, scope, *more, way=None):
        """The pack of a subject, found once, and the seconds that took; `more` are further arguments of `cones find`, which need a name for
        their `way`."""
        pack = self.work / (way or f"{method}-{scope}") / f"{subject.name}.cones"
        took = pack.with_suffix(".seconds")
        if not took.exists():
            pack.parent.mkdir(parents=True, exist_ok=True)
            start = time.perf_counter()
            self.run("find", "--images", subject.folder, "--class", subject.word, "--method", method, "--scope", scope, "--examples",
                     self.work / "examples", "--show", 0, "--out", pack, *more, *self.at())
            took.write_text(str(time.perf_counter() - start))
        return pack, float(took.read_text())

    def tuned(self, subjects, packs, *more, way="tuned"):
        """Packs that `cones tune` made of these, and the seconds that took; `more` are further arguments of it, which need a name for their `way`."""
        folder = self.work / way / "-".join(subject.word for subject in subjects)
        took = folder / "seconds"
        if not took.exists():
            start = time.perf_counter()
            self.run("tune", "--packs", *packs, "--images", *(subject.folder for subject in subjects), "--out", folder, *more, *self.at())
            took.write_text(str(time.perf_counter() - start))
        return [folder / pack.name for pack in packs], float(took.read_text())

    def exported(self, pack):
        """The pack's mask as a list of indices for each layer."""
        file = pack.with_suffix(".safetensors")
        self.run("export", pack, "--int32", file, "--bundle", self.bundle)
        return file

    def united(self, packs):
        out = self.work / "united" / ("-".join(pack.stem for pack in packs) + ".cones")
        out.parent.mkdir(parents=True, exist_ok=True)
        self.run("unite", *packs, "--out", out, "--bundle", self.bundle)
        return out

    def draw(self, prompts, packs, seed):
        """Pictures [n, height, width, 3] in bytes, each from the noise of this seed."""
        # A folder of its own: benches that run at the same time draw into each other's files else.
        with tempfile.TemporaryDirectory(dir=self.work) as folder:
            lines = Path(folder) / "prompts.txt"
            lines.write_text("\n".join(prompts) + "\n")
            subjects = [word for pack in packs for word in ("--subject", pack)]
            said = self.run("generate", "--prompts", lines, "--seed", seed, "--steps", STEPS, "--guidance", GUIDANCE, "--scheduler", "ddim", *subjects,
                            "--out", folder, "--json", *self.at())
            drawn = json.loads(said)["pictures"]
            assert len(drawn) == len(prompts) and all(picture["recipe"]["seed"] == seed for picture in drawn), "a picture of each prompt, of this seed"
            return np.stack([np.asarray(Image.open(ROOT / picture["path"]).convert("RGB")) for picture in drawn])
