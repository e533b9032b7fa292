"""Carries a training from one machine to the next: what `train.sh` needs to go on, small enough to be committed or sent.

    python carry.py pack   --work WORK --folder checkpoint    # vae, averaged weights and judge, 8 bits each, in files of 15 MB at most
    python carry.py unpack --work WORK --folder checkpoint
    python carry.py begin  --work WORK --folder PIPELINE      # from a finished model, as `../pipeline.py` makes its folder
    python carry.py reached --work WORK --folder .            # writes reached.json: how far that model was trained

Weights are kept in 8 bits with a scale for each row (matrices, convolutions) or in float16 (all else); the VAE in float16. The
optimiser starts anew: a few hundred steps make up for it. The tokenizer goes along: made anew, its tokens would have other numbers.
How far the model in place was trained says `reached.json`; `install.sh` writes it.
"""
import argparse
import json
import shutil
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

PIECE = 15_000_000
# Pictures, seconds and the latents' scale of the model in place.
REACHED = Path(__file__).resolve().with_name("reached.json")


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
    weights = grow(stored)
    judge = {n[6:]: weights.pop(n) for n in list(weights) if n.startswith("judge.")}
    if judge:
        save(work, "judge", judge)
    save_models(work, weights, json.loads((folder / "numbers.json").read_text()))


def begin(work, folder):
    """A work folder that trains on from a model in diffusers' layout."""
    from diffusers import AutoencoderKL, UNet2DConditionModel
    from transformers import CLIPTextModel
    shutil.copytree(folder / "tokenizer", work / "tokenizer", dirs_exist_ok=True)
    parts = dict(vae=AutoencoderKL.from_pretrained(folder / "vae", torch_dtype=torch.float32),
                 text=CLIPTextModel.from_pretrained(folder / "text_encoder", dtype=torch.float32),
                 unet=UNet2DConditionModel.from_pretrained(folder / "unet", torch_dtype=torch.float32))
    weights = {f"{part}.{name}": value.detach() for part, model in parts.items() for name, value in model.state_dict().items()}
    save_models(work, weights, json.loads(REACHED.read_text()))


def reached(work, folder):
    """Keeps the numbers of a work folder beside the recipe."""
    numbers = {name: torch.load(work / f"{name}.pt", weights_only=True, map_location="cpu")["numbers"] for name in ("vae", "unet")}
    (folder / REACHED.name).write_text(json.dumps(numbers, indent=1) + "\n")


def save_models(work, weights, numbers):
    """Checkpoints of weights by part (`vae.`, `text.`, `unet.`)."""
    save(work, "vae", {"vae": {n[4:]: t for n, t in weights.items() if n.startswith("vae.")}, "numbers": numbers["vae"]})
    if "unet" in numbers:
        average = {n: t for n, t in weights.items() if not n.startswith("vae.")}
        parts = {p: {n[len(p) + 1:]: t for n, t in average.items() if n.startswith(f"{p}.")} for p in ("text", "unet")}
        save(work, "unet", parts | {"average": average, "numbers": numbers["unet"]})


def save(work, name, state):
    part = work / f"{name}.part"
    torch.save(state, part)
    part.replace(work / f"{name}.pt")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("what", choices=["pack", "unpack", "begin", "reached"])
    parser.add_argument("--work", required=True, type=Path)
    parser.add_argument("--folder", required=True, type=Path)
    args = parser.parse_args()
    args.work.mkdir(parents=True, exist_ok=True)
    {"pack": pack, "unpack": unpack, "begin": begin, "reached": reached}[args.what](args.work, args.folder)


if __name__ == "__main__":
    main()
