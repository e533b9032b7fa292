"""The cross-attention projections of a diffusers folder, and which of their weights a subject would shut."""
import argparse
from pathlib import Path

import torch
from safetensors import safe_open


def projections(folder):
    """Name to weight (rows x columns, float32) of `attn2.to_k` and `attn2.to_v` of every block."""
    with safe_open(folder / "unet/diffusion_pytorch_model.safetensors", "pt") as file:
        wanted = (".attn2.to_k.weight", ".attn2.to_v.weight")
        return {name: file.get_tensor(name).float() for name in file.keys() if name.endswith(wanted)}


def drawn(weights, share, seed):
    """Indices into each flattened weight, ascending, no two alike."""
    generator = torch.Generator().manual_seed(seed)
    return {name: torch.nonzero(torch.rand(weight.numel(), generator=generator) < share).flatten()
            for name, weight in weights.items()}


def parser(description):
    """The command line of a program that switches."""
    result = argparse.ArgumentParser(description=description)
    result.add_argument("model", type=Path, metavar="DIFFUSERS_DIR")
    result.add_argument("--share", type=float, required=True)
    result.add_argument("--threads", type=int, required=True)
    return result
