"""The models that are timed: what there is of them, and what is made when it is first needed."""
import json
import shutil
import subprocess
import sys
from pathlib import Path

from worker import WorkerFailed

HERE = Path(__file__).resolve().parent
MODELS = HERE.parent


class Model:
    """A bundle and the diffusers folder that it came from; exports are made in `work`. `batch` is that of a step of
    `gradient` where none is given."""

    def __init__(self, bundle, diffusers, work, batch=12):
        self.bundle, self.diffusers, self.work, self.batch = bundle, diffusers, work, batch

    def exported(self, dialect):
        """The ordinary export, made anew where model or exporter are newer than the last one."""
        if not self.diffusers.is_dir():
            raise WorkerFailed(f"there is no {self.diffusers}: give the model's diffusers folder with --diffusers")
        out, exporter = self.work / f"onnx-{dialect}", MODELS / "export/export_onnx.py"
        newest = max(f.stat().st_mtime for f in [exporter, *self.diffusers.rglob("*")])
        stamp, wanted = out / "exported", f"{self.diffusers.resolve()} {newest}"
        if not (stamp.exists() and stamp.read_text(encoding="utf-8") == wanted):
            stamp.unlink(missing_ok=True)
            make(f"Exporting {self.diffusers} to ONNX ({dialect})",
                 sys.executable, exporter, self.diffusers, out, "--dialect", dialect)
            stamp.write_text(wanted, encoding="utf-8")
        return out


def toybox(args):
    """The built-in model, or the one whose folders are given."""
    return Model(args.bundle or MODELS / "toybox/bundle", args.diffusers or pipeline(args), args.work)


def pipeline(args):
    """Toybox's diffusers folder, made from its bundle. `overhead` alone needs none, nor the packages that make it."""
    out = args.work / "toybox"
    if args.sections != ["overhead"]:
        make("Making Toybox's diffusers folder from its bundle", sys.executable, MODELS / "toybox/pipeline.py", out)
    return out


def sd15(args):
    """A model of Stable Diffusion 1.5's sizes with random weights, made once."""
    work = args.work / "sd15"
    model = Model(work / "bundle", work / "diffusers", work, batch=1)
    recipe = HERE / "sd15.py"
    stamp, wanted = work / "made", recipe.read_text(encoding="utf-8")
    if stamp.exists() and stamp.read_text(encoding="utf-8") == wanted:
        return model
    free = shutil.disk_usage(args.work.parent if not args.work.exists() else args.work).free
    if free < 10e9:
        raise WorkerFailed(f"a model of Stable Diffusion 1.5's size needs 10 GB in {args.work}; {free / 1e9:.1f} GB are free")
    shutil.rmtree(work, ignore_errors=True)
    make("Making a model of Stable Diffusion 1.5's sizes (once: 9 GB of disk, 7 GB of memory, some minutes)",
         sys.executable, recipe, model.diffusers, pipeline(args) / "tokenizer")
    make("Importing it", args.cones, "import", "--onnx", model.exported("fused"), "--weights", model.diffusers,
         "--dtype", "float16", "--name", "sd15-sized", "--licence", "none", "--out", model.bundle)
    stamp.write_text(wanted, encoding="utf-8")
    return model


# 64 in the first level, as against 320.
NARROW = 64


def narrow(args):
    """Stable Diffusion's U-Net with fewer channels and random weights: every kind of node, and a tenth of the time."""
    work = args.work / "narrow"
    model = Model(work / "bundle", work / "diffusers", work, batch=2)
    recipe = HERE / "random_sd.py"
    stamp, wanted = work / "made", recipe.read_text(encoding="utf-8")
    if stamp.exists() and stamp.read_text(encoding="utf-8") == wanted:
        return model
    shutil.rmtree(work, ignore_errors=True)
    make("Making a narrow model of Stable Diffusion's shape (once: 0.5 GB of disk, a minute)",
         sys.executable, recipe, model.diffusers, "--width", NARROW)
    make("Importing it", args.cones, "import", "--onnx", model.exported("fused"), "--weights", model.diffusers,
         "--dtype", "float16", "--name", "narrow", "--licence", "none", "--out", model.bundle)
    stamp.write_text(wanted, encoding="utf-8")
    return model


SIZES = {"toybox": toybox, "sd15": sd15, "narrow": narrow}


def make(title, *command):
    """Runs a program that makes something; its words are shown only if it fails."""
    print(title, flush=True)
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True)
    if done.returncode:
        raise WorkerFailed(f"it failed:\n{done.stderr}")


def layers(bundle):
    """Name and shape of each cross-attention projection."""
    manifest = json.loads((bundle / "bundle.json").read_text(encoding="utf-8"))
    return {layer["name"]: (layer["rows"], layer["columns"]) for layer in manifest["layers"]}
