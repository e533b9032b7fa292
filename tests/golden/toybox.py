"""The pipeline that whole-picture vectors come from, and masks on its weights; shared by `make_*.py`."""

import argparse
import hashlib
import pathlib
import struct
import sys

import numpy
import torch

HERE = pathlib.Path(__file__).parent
sys.path.insert(0, str(HERE.parents[1] / "models/toybox"))


def pipeline_folder(description: str) -> pathlib.Path:
    """The folder given on the command line."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pipeline", type=pathlib.Path, help="a diffusers folder; Toybox's own else")
    return parser.parse_args().pipeline or own_pipeline()


def own_pipeline() -> pathlib.Path:
    """Toybox's, made from its bundle."""
    import pipeline

    pipeline.make(pipeline.OUT)
    return pipeline.OUT


def load_pipeline(folder: pathlib.Path):
    """The pipeline in float32, quiet."""
    from diffusers import StableDiffusionPipeline
    from diffusers.utils import logging

    logging.set_verbosity_error()
    pipeline = StableDiffusionPipeline.from_pretrained(folder, torch_dtype=torch.float32, safety_checker=None)
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


def projections(unet) -> list[tuple[str, torch.nn.Parameter]]:
    """`attn2.to_k` and `to_v` weights in a bundle's order: that of the forward pass, `to_k` first."""
    part = {"down_blocks": 0, "mid_block": 1, "up_blocks": 2}
    names = [name for name, _ in unet.named_modules() if name.endswith(".attn2")]
    # Stable: within a part they are in order already, and all of a transformer's blocks are in one.
    names.sort(key=lambda name: part.get(name.split(".")[0], 0))
    found = []
    for name in names:
        attention = unet.get_submodule(name)
        found += [(f"{name}.to_k", attention.to_k.weight), (f"{name}.to_v", attention.to_v.weight)]
    return found


def fingerprint(unet) -> str:
    """As `cones_core::fingerprint` has it; tells a test which weights its vectors were made with."""
    digest = hashlib.sha256()
    for name, weight in projections(unet):
        digest.update(struct.pack("<I", len(name)) + name.encode() + struct.pack("<II", *weight.shape))
        digest.update(weight.detach().numpy().astype("<f2").tobytes())
    return digest.hexdigest()


def splitmix64(seed: int, count: int) -> numpy.ndarray:
    """The first `count` numbers of SplitMix64."""
    with numpy.errstate(over="ignore"):
        steps = numpy.arange(1, count + 1, dtype=numpy.uint64)
        z = numpy.uint64(seed) + steps * numpy.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> numpy.uint64(30))) * numpy.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> numpy.uint64(27))) * numpy.uint64(0x94D049BB133111EB)
        return z ^ (z >> numpy.uint64(31))


def random_mask(unet, share: float, seed: int) -> list[numpy.ndarray]:
    """`ConceptMask::random`: one boolean array a layer, true where the weight is shut."""
    weights = [weight for _, weight in projections(unet)]
    draws = splitmix64(seed, sum(weight.numel() for weight in weights)) >> numpy.uint64(11)
    shut = draws < numpy.uint64(int(share * 2**53))
    ends = numpy.cumsum([weight.numel() for weight in weights])[:-1]
    return [part.reshape(tuple(w.shape)) for part, w in zip(numpy.split(shut, ends), weights, strict=True)]


def shut(unet, mask: list[numpy.ndarray]) -> None:
    """Sets the masked weights to zero."""
    with torch.no_grad():
        for (_, weight), where in zip(projections(unet), mask, strict=True):
            weight[torch.from_numpy(where)] = 0
