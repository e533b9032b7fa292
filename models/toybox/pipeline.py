"""Toybox as a StableDiffusionPipeline folder, made from its bundle: the weights stand once in the repository.

    python pipeline.py [OUT]             # makes the folder (target/toybox-diffusers), unless it is there and whole; prints its path
    python pipeline.py --record FOLDER   # after a new bundle: keeps what the bundle does not say of FOLDER, from which it was made

What the bundle does not say lies in `diffusers/`: configurations, the tokenizer's older files, and `weights.json`. A graph keeps
most weights under their own names. Those of linear layers it has transposed and numbered; they are told by the hash of their
values, which `weights.json` records, so another export with other numbers does as well. The files come out with the bytes that
were recorded, or not at all. Needs numpy and safetensors.
"""
import argparse
import hashlib
import json
import os
import shutil
import sys
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file, save_file

from onnx_weights import weights

HERE = Path(__file__).resolve().parent
BUNDLE, SMALL, OUT = HERE / "bundle", HERE / "diffusers", HERE.parents[1] / "target/toybox-diffusers"
# The graphs that hold the weights of each part. The U-Net's keys and values lie in `attention.safetensors`.
GRAPHS = {"unet": ["unet.onnx"], "vae": ["vae_decoder.onnx", "vae_encoder.onnx"], "text_encoder": ["text_encoder.onnx"]}
RECORD, TOKENIZER = "weights.json", "tokenizer/tokenizer.json"


class Held:
    """Every weight that the bundle has of one part, in float16 as training saved it."""

    def __init__(self, bundle, part):
        self.named, self.hashed = {}, {}
        for graph in GRAPHS[part]:
            for name, value in weights(bundle / graph):
                self.add(name.removesuffix(".float16").removeprefix("model."), value)
        if part == "unet":
            for name, value in load_file(bundle / "attention.safetensors").items():
                self.add(f"{name}.weight", value)

    def add(self, name, value):
        with np.errstate(over="ignore"):
            value = value.astype(np.float16)
        self.named[name] = value
        for way in (value, value.T) if value.ndim == 2 else (value,):
            self.hashed[digest(way)] = way

    def find(self, name, shape, known):
        """The weight of this name, else the one with the hash that is `known`; nothing if there is none."""
        value = self.hashed.get(known) if known else self.named.get(name)
        return None if value is None or value.size != np.prod(shape, dtype=int) else value.reshape(shape)


def digest(value):
    """Tells weights apart by their values; the shape is recorded beside it."""
    return hashlib.sha256(np.ascontiguousarray(value)).hexdigest()[:24]


def file_digest(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def make(out, bundle=BUNDLE, small=SMALL):
    """Makes the folder `out`, unless every file of it is the recorded one."""
    record = json.loads((small / RECORD).read_text())
    if all((out / file).is_file() and file_digest(out / file) == part["sha256"] for file, part in record.items()) \
            and all((out / file).is_file() and (out / file).read_bytes() == source.read_bytes()
                    for file, source in small_files(bundle, small)):
        return
    shutil.rmtree(out, ignore_errors=True)
    for file, source in small_files(bundle, small):
        (out / file).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, out / file)
    for file, part in record.items():
        held, tensors = Held(bundle, file.split("/")[0]), {}
        for name, (shape, known) in part["tensors"].items():
            tensors[name] = held.find(name, shape, known)
            if tensors[name] is None:
                raise SystemExit(f"error: {bundle} does not hold {name} of {file}\n hint: this bundle was made from another "
                                 f"pipeline than {small / RECORD} describes: run bundle.sh, which records the new one")
        # Under another name until it is whole.
        scratch = out / f"{file}.part"
        save_file({name: np.ascontiguousarray(value) for name, value in tensors.items()}, scratch, {"format": "pt"})
        if file_digest(scratch) != part["sha256"]:
            raise SystemExit(f"error: {file} made from {bundle} is not the file that was recorded in {small / RECORD}")
        os.replace(scratch, out / file)


def small_files(bundle, small):
    """Path in the folder and source of each file without weights."""
    yield TOKENIZER, bundle / "tokenizer.json"
    for path in sorted(small.rglob("*")):
        if path.is_file() and path.name != RECORD:
            yield path.relative_to(small).as_posix(), path


def record(folder, bundle=BUNDLE, small=SMALL):
    """Keeps in `small` what `bundle` does not say of the pipeline in `folder`."""
    if (folder / TOKENIZER).read_bytes() != (bundle / "tokenizer.json").read_bytes():
        raise SystemExit(f"error: {folder / TOKENIZER} is not the bundle's\n hint: make the bundle from this folder first")
    files, kept = {}, []
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.suffix == ".safetensors":
            files[name] = dict(sha256=file_digest(path), tensors=described(path, Held(bundle, name.split("/")[0])))
        elif path.is_file() and name != TOKENIZER:
            kept.append((name, path.read_bytes()))
    shutil.rmtree(small, ignore_errors=True)
    for name, content in kept:
        (small / name).parent.mkdir(parents=True, exist_ok=True)
        (small / name).write_bytes(content)
    (small / RECORD).write_text(as_text(files))
    told = [known for part in files.values() for _, known in part["tensors"].values()]
    print(f"{small / RECORD}: {len(told)} weights, {sum(known is None for known in told)} of them told by name")


def described(path, held):
    """Shape of each weight of a file, and the hash of its values where its name does not tell."""
    result = {}
    for name, value in load_file(path).items():
        shape, known = list(value.shape), digest(value)
        if value.dtype != np.float16 or held.find(name, shape, known) is None:
            raise SystemExit(f"error: {name} of {path} ({value.dtype}) is not in the bundle as float16\n hint: make the bundle "
                             "from this folder with `cones import --dtype float16`")
        named = held.find(name, shape, None)
        result[name] = [shape, None if named is not None and digest(named) == known else known]
    return result


def as_text(files):
    """JSON with a line for each weight, so that a change of one shows as one."""
    parts = []
    for file, part in files.items():
        lines = ",\n".join(f"   {json.dumps(name)}: {json.dumps(kept)}" for name, kept in part["tensors"].items())
        parts.append(f' {json.dumps(file)}: {{\n  "sha256": "{part["sha256"]}",\n  "tensors": {{\n{lines}\n  }}\n }}')
    return "{\n" + ",\n".join(parts) + "\n}\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", nargs="?", type=Path, default=OUT)
    parser.add_argument("--record", type=Path, metavar="FOLDER")
    parser.add_argument("--bundle", type=Path, default=BUNDLE)
    parser.add_argument("--small", type=Path, default=SMALL, help="the folder of configurations and weights.json")
    args = parser.parse_args()
    if args.record:
        record(args.record, args.bundle, args.small)
    else:
        make(args.out, args.bundle, args.small)
        print(args.out)


if __name__ == "__main__":
    sys.exit(main())
