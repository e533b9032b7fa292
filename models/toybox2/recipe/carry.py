"""Carries a training from one machine to the next: what `train.sh` needs to go on, small enough to be committed or sent.

    python carry.py pack   --work WORK --folder checkpoint    # vae, averaged weights and judge, 8 bits each, in files of 15 MB at most
    python carry.py unpack --work WORK --folder checkpoint

Weights are kept in 8 bits with a scale for each row (matrices, convolutions) or in float16 (all else); the VAE in float16. The
optimiser starts anew: a few hundred steps make up for it. The tokenizer goes along: made anew, its tokens would have other numbers.
"""
import argparse
import json
import shutil
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

PIECE = 15_000_000


def shrink(tensor):
    """{suffix: tensor} of a weight."""
    if tensor.dim() < 2 or tensor.numel() < 4096:
        return {"": tensor.half()}
    rows = tensor.float().flatten(1)
    scale = rows.abs().amax(1).clamp_min(1e-12) / 127
    return {".q": (rows / scale[:, None]).round().to(torch.int8).reshape(tensor.shape), ".s": scale}


def grow(stored):
    """{name: float32 tensor} of what `shrink` made."""
    out = {}
    for name, tensor in stored.items():
        if name.endswith(".q"):
            scale = stored[name[:-2] + ".s"]
            out[name[:-2]] = tensor.float() * scale.reshape(-1, *[1] * (tensor.dim() - 1))
        elif not name.endswith(".s") or name[:-2] + ".q" not in stored:
            out[name] = tensor.float()
    return out


def pack(work, folder):
    folder.mkdir(parents=True, exist_ok=True)
    tensors, numbers = {}, {}
    vae = torch.load(work / "vae.pt", weights_only=True, map_location="cpu")
    numbers["vae"] = vae["numbers"]
    tensors |= {f"vae.{n}": t.half().contiguous() for n, t in vae["vae"].items()}
    if (work / "unet.pt").exists():
        unet = torch.load(work / "unet.pt", weights_only=True, map_location="cpu")
        numbers["unet"] = unet["numbers"]
        for name, tensor in unet["average"].items():
            tensors |= {name + suffix: t.contiguous() for suffix, t in shrink(tensor).items()}
    # Weights alone, like the U-Net's; without it the first figures cost twelve minutes.
    if (work / "judge.pt").exists():
        for name, tensor in torch.load(work / "judge.pt", weights_only=True, map_location="cpu").items():
            tensors |= {f"judge.{name}{suffix}": t.contiguous() for suffix, t in shrink(tensor).items()}
    for old in folder.glob("*.safetensors"):
        old.unlink()
    pieces, size = [{}], 0
    for name, tensor in tensors.items():
        bytes_ = tensor.numel() * tensor.element_size()
        if size + bytes_ > PIECE:
            pieces.append({})
            size = 0
        pieces[-1][name] = tensor
        size += bytes_
    for i, piece in enumerate(pieces):
        save_file(piece, folder / f"{i}.safetensors")
    (folder / "numbers.json").write_text(json.dumps(numbers, indent=1) + "\n")
    shutil.copytree(work / "tokenizer", folder / "tokenizer", dirs_exist_ok=True)


def unpack(work, folder):
    shutil.copytree(folder / "tokenizer", work / "tokenizer", dirs_exist_ok=True)
    stored = {}
    for path in sorted(folder.glob("*.safetensors")):
        stored |= load_file(path)
    numbers = json.loads((folder / "numbers.json").read_text())
    weights = grow(stored)
    judge = {n[6:]: weights.pop(n) for n in list(weights) if n.startswith("judge.")}

    def save(name, state):
        part = work / f"{name}.part"
        torch.save(state, part)
        part.replace(work / f"{name}.pt")

    if judge:
        save("judge", judge)
    save("vae", {"vae": {n[4:]: t for n, t in weights.items() if n.startswith("vae.")}, "numbers": numbers["vae"]})
    if "unet" in numbers:
        average = {n: t for n, t in weights.items() if not n.startswith("vae.")}
        parts = {p: {n[len(p) + 1:]: t for n, t in average.items() if n.startswith(f"{p}.")} for p in ("text", "unet")}
        save("unet", parts | {"average": average, "numbers": numbers["unet"]})


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("what", choices=["pack", "unpack"])
    parser.add_argument("--work", required=True, type=Path)
    parser.add_argument("--folder", required=True, type=Path)
    args = parser.parse_args()
    {"pack": pack, "unpack": unpack}[args.what](args.work, args.folder)


if __name__ == "__main__":
    main()
