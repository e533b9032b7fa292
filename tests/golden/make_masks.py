"""Mask files as Python writes them: what `cones import-mask` must read, and what `cones export` must write again.

    python make_masks.py [--pipeline DIR]      # writes masks/binary.safetensors and masks/factors.safetensors

`binary` holds the neurons of `ConceptMask::random(0.01, 7)` with all metadata; `factors` those of (0.004, 8), each layer
from the last neuron to the first, with `factor(index)` below and the least metadata, without the layers of `mid_block`.
"""

import numpy
from safetensors.numpy import save_file

from toybox import HERE, fingerprint, load_pipeline, pipeline_folder, projections, random_mask


def factor(index: numpy.ndarray) -> numpy.ndarray:
    """Exact in float16, positive and negative."""
    return (index % 17).astype(numpy.float32) / 8 - 1


def main() -> None:
    unet = load_pipeline(pipeline_folder(__doc__)).unet
    names = [name for name, _ in projections(unet)]
    target = HERE / "masks"
    target.mkdir(exist_ok=True)

    masks = zip(names, random_mask(unet, 0.01, 7), strict=True)
    binary = {name: numpy.flatnonzero(mask).astype(numpy.int32) for name, mask in masks}
    metadata = {
        "name": "golden", "version": "3", "trigger": "<v1> dog", "class": "dog", "scope": "trigger",
        "author": "Python ü", "licence": "MIT", "fingerprint": fingerprint(unet),
    }
    save_file(binary, target / "binary.safetensors", metadata)

    factors = {}
    for name, mask in zip(names, random_mask(unet, 0.004, 8), strict=True):
        if "mid_block" in name:
            continue
        index = numpy.flatnonzero(mask)[::-1].astype(numpy.int32)
        factors[name] = index
        factors[f"{name}.factors"] = factor(index)
    save_file(factors, target / "factors.safetensors", {"trigger": "<v2> cat"})
    for name in ("binary", "factors"):
        print(f"{name}.safetensors: {(target / f'{name}.safetensors').stat().st_size} bytes")


if __name__ == "__main__":
    main()
