"""Worker: one step of the concept-implanting loss in PyTorch's eager mode, gradients with respect to every K and V.

    python torch_gradient.py DIFFUSERS --bundle DIR --batch N --threads N [--pixels N] [--provider cpu|cuda]
"""
import argparse
import json
import resource
import sys
import time
from pathlib import Path

import numpy
import torch
from diffusers import UNet2DConditionModel

from serve import serve


def noise(count, seed):
    """Numbers of mean 0 and deviation 1, as `gradient_bench` draws them, so that the results can be compared."""
    with numpy.errstate(over="ignore"):
        state = numpy.uint64(seed) + numpy.arange(1, count + 1, dtype=numpy.uint64) * numpy.uint64(0x9E3779B97F4A7C15)
        z = (state ^ (state >> numpy.uint64(30))) * numpy.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> numpy.uint64(27))) * numpy.uint64(0x94D049BB133111EB)
        unit = ((z ^ (z >> numpy.uint64(31))) >> numpy.uint64(40)).astype(numpy.float32) / numpy.float32(1 << 24)
    return (unit - numpy.float32(0.5)) * numpy.float32(12 ** 0.5)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("--bundle", type=Path, required=True)
    parser.add_argument("--batch", type=int, required=True)
    parser.add_argument("--threads", type=int, required=True)
    parser.add_argument("--pixels", type=int)
    parser.add_argument("--provider", default="cpu", choices=["cpu", "cuda"])
    args = parser.parse_args()
    if args.provider == "cuda" and not torch.cuda.is_available():
        sys.exit("error: --provider cuda: this PyTorch finds no CUDA device")
    torch.set_num_threads(args.threads)
    manifest = json.loads((args.bundle / "bundle.json").read_text(encoding="utf-8"))
    unet = UNet2DConditionModel.from_pretrained(args.model / "unet", torch_dtype=torch.float32).to(args.provider)
    unet.eval().requires_grad_(False)

    scale = manifest["latent"]["scale"]
    height, width = (args.pixels or manifest["image"][side] for side in ("height", "width"))
    shape = (args.batch, manifest["latent"]["channels"], height // scale, width // scale)
    tokens = manifest["text"]["max_length"]

    def drawn(shape, seed):
        return torch.from_numpy(noise(int(numpy.prod(shape)), seed)).reshape(shape).to(args.provider)

    sample, target = drawn(shape, 1), drawn(shape, 2)
    timesteps = torch.tensor([n * 997 % 1000 for n in range(args.batch)], dtype=torch.float32, device=args.provider)
    layers = [layer["name"] for layer in manifest["layers"]]
    inputs = {layer["name"]: drawn((args.batch, tokens, layer["rows"]), seed).requires_grad_()
              for seed, layer in enumerate(manifest["layers"], start=3)}
    # K and V are given, as our graph is given them, so no projection is computed.
    for name in layers:
        unet.get_submodule(name).forward = lambda *_, name=name: inputs[name]
    nothing = torch.zeros(args.batch, tokens, manifest["text"]["hidden_size"], device=args.provider)

    def run():
        start = time.perf_counter()
        for value in inputs.values():
            value.grad = None
        prediction = unet(sample, timesteps, nothing).sample
        loss = (prediction - target).square().mean(dim=(1, 2, 3)).mean()
        loss.backward()
        gradients = [inputs[name].grad.cpu() for name in layers]
        result = loss.item()
        seconds = time.perf_counter() - start
        norm = sum(g.double().square().sum() for g in gradients).sqrt().item()
        # Linux counts in kilobytes, macOS in bytes.
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
        return dict(seconds=seconds, loss=result, norm=norm, peak_bytes=peak)

    serve(run=run)


if __name__ == "__main__":
    main()
