"""The two ways of Cones, found and drawn by the `cones` command: the paper's procedure, and ours.

Ours finds by straight-through gradients with scope `trigger`; several packs are switched on together as they are (`ours`), or after `cones tune` has found
their neurons anew for all of them (`tuned`). The paper's (`accumulate`, scope `prompt`) shuts a weight where the sum of its gradients says so; several
packs are united, which is the paper's concatenation.
"""
import json
import resource
import tempfile
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
        """The pack of a subject, found once, and the processor's seconds that took; `more` are further arguments of `cones find`, which need a name for
        their `way`."""
        pack = self.work / (way or f"{method}-{scope}") / f"{subject.name}.cones"
        took = pack.with_suffix(".seconds")
        if not took.exists():
            pack.parent.mkdir(parents=True, exist_ok=True)
            start = processor()
            self.run("find", "--images", subject.folder, "--class", subject.word, "--method", method, "--scope", scope, "--examples",
                     self.work / "examples", "--show", 0, "--out", pack, *more, *self.at())
            took.write_text(str(processor() - start))
        return pack, float(took.read_text())

    def tuned(self, subjects, packs, *more, way="tuned"):
        """Packs that `cones tune` made of these, and the processor's seconds that took; `more` are further arguments of it, which need a name for their `way`."""
        folder = self.work / way / "-".join(subject.word for subject in subjects)
        took = folder / "seconds"
        if not took.exists():
            start = processor()
            self.run("tune", "--packs", *packs, "--images", *(subject.folder for subject in subjects), "--out", folder, *more, *self.at())
            took.write_text(str(processor() - start))
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

    def draw(self, prompts, packs, seed, boxes={}, strength=1.0):
        """Pictures [n, height, width, 3] in bytes, each from the noise of this seed; `boxes` say where the same words stand in all of them."""
        # A folder of its own: benches that run at the same time draw into each other's files else.
        with tempfile.TemporaryDirectory(dir=self.work) as folder:
            lines = Path(folder) / "prompts.txt"
            lines.write_text("\n".join(prompts) + "\n")
            subjects = [word for pack in packs for word in ("--subject", f"{pack}:{strength:g}")]
            placed = [word for words, areas in boxes.items() for area in areas for word in ("--box", f"{words}={','.join(map(str, area))}")]
            said = self.run("generate", "--prompts", lines, "--seed", seed, "--steps", STEPS, "--guidance", GUIDANCE, "--scheduler", "ddim", *subjects, *placed,
                            "--out", folder, "--json", *self.at())
            drawn = json.loads(said)["pictures"]
            assert len(drawn) == len(prompts) and all(picture["recipe"]["seed"] == seed for picture in drawn), "a picture of each prompt, of this seed"
            return np.stack([np.asarray(Image.open(ROOT / picture["path"]).convert("RGB")) for picture in drawn])


def processor():
    """Seconds of the processor that commands took so far."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime
