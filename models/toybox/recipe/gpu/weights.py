"""Checkpoints of the training on their way to a borrowed machine and back: the averaged weights alone, in float16.

    python weights.py pack WORK FOLDER [--fresh]           # WORK/vae.pt and unet.pt as pieces in FOLDER
    python weights.py unpack FILE WORK                     # the pieces' file, joined, as checkpoints that training goes on from

A checkpoint has the weights as they train, their average and the optimiser's state, 16 bytes a weight. Pictures are drawn with the
average, and training goes on from it about as well as from the rest; float16 is what is published. So 2 bytes a weight travel.
What is left out is written down, and comes back filled from the average; the optimiser begins anew. `--fresh` sets the time that was
trained to nothing: the learning rate falls over the time that is to come, and a GPU's minutes are no continuation of a CPU's hours.
"""
import argparse
import io
import os
import shutil
import sys
import time
from pathlib import Path

import torch

import pieces

NAME, PIECE = "weights", 15 << 20
# In order of worth where not both fit.
CHECKPOINTS = ("unet.pt", "vae.pt")
AVERAGE = ("average", "ema")


def reduced(state):
    """The checkpoint without optimiser, without weights that have an average, and in float16."""
    if not isinstance(state, dict):
        return half(state)
    average = next((state[key] for key in AVERAGE if isinstance(state.get(key), dict)), {})
    kept, filled = {}, {}
    for key, value in state.items():
        if "optim" in key:
            continue
        if isinstance(value, dict) and value is not average:
            found = {name: source for name, tensor in value.items() if (source := averaged(key, name, tensor, average))}
            if found:
                filled[key] = found
                value = {name: tensor for name, tensor in value.items() if name not in found}
        kept[key] = half(value)
    return kept | {"filled": filled}


def averaged(key, name, tensor, average):
    """What the average of this weight is called, if it has one."""
    for source in (f"{key}.{name}", name):
        if torch.is_tensor(tensor) and torch.is_tensor(average.get(source)) and average[source].shape == tensor.shape:
            return source
    return None


def restored(kept):
    """What `reduced` gave, as a checkpoint: float32, filled from the average, without optimiser."""
    if not isinstance(kept, dict):
        return single(kept)
    state = {key: single(value) for key, value in kept.items() if key != "filled"}
    average = next((state[key] for key in AVERAGE if isinstance(state.get(key), dict)), {})
    for key, found in kept.get("filled", {}).items():
        state[key] |= {name: average[source].clone() for name, source in found.items()}
    return state


def half(value):
    """In float16, but for what that cannot hold."""
    def change(tensor):
        small = tensor.to(torch.float16) if tensor.is_floating_point() else tensor
        return small if not tensor.is_floating_point() or small.isfinite().all() else tensor
    return each(value, change)


def single(value):
    return each(value, lambda tensor: tensor.to(torch.float32) if tensor.is_floating_point() else tensor)


def each(value, change):
    """The same with every tensor in it changed."""
    if torch.is_tensor(value):
        return change(value.detach().cpu()).contiguous()
    if isinstance(value, dict):
        return {key: each(part, change) for key, part in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(each(part, change) for part in value)
    return value


def read(path):
    """A checkpoint; training may be writing it just now, so it is tried again."""
    for last in (False, False, True):
        try:
            return torch.load(path, weights_only=True, map_location="cpu")
        except (OSError, RuntimeError, EOFError, ValueError) as error:
            if last:
                print(f"{path.name} cannot be read: {error}", file=sys.stderr)
                return None
            time.sleep(1)


def pack(work, folder, limit, fresh):
    """Every checkpoint that can be read; one that goes over the limit stays behind and is named."""
    checkpoints, size = {}, 0
    for path in (work / name for name in CHECKPOINTS if (work / name).exists()):
        state = read(path)
        if state is None:
            continue
        state = reduced(state)
        if fresh and "numbers" in state:
            state["numbers"]["seconds"] = 0.0
        length = len(saved(state))
        if size + length > limit:
            print(f"{path.name} stays behind: {length / 1e6:.1f} MB more than fit", file=sys.stderr)
            continue
        checkpoints[path.name], size = state, size + length
    if not checkpoints:
        raise SystemExit(f"error: {work} has no checkpoint that can be read")
    # Made aside, so that what was packed before stays whole until this is.
    scratch = folder.with_name(f"{folder.name}.part")
    shutil.rmtree(scratch, ignore_errors=True)
    pieces.split(saved(checkpoints), NAME, scratch, PIECE)
    shutil.rmtree(folder, ignore_errors=True)
    os.replace(scratch, folder)
    print(f"packed {', '.join(checkpoints)}: {size / 1e6:.1f} MB")


def saved(state):
    buffer = io.BytesIO()
    torch.save(state, buffer)
    return buffer.getvalue()


def unpack(file, work):
    """Writes the checkpoints; one that is there already is kept beside as `NAME.pt.before`."""
    work.mkdir(parents=True, exist_ok=True)
    for name, kept in torch.load(file, weights_only=True, map_location="cpu").items():
        path = work / Path(name).name
        torch.save(restored(kept), path.with_suffix(".part"))
        if path.exists():
            os.replace(path, path.with_suffix(".pt.before"))
        os.replace(path.with_suffix(".part"), path)
        print(path)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    command = commands.add_parser("pack")
    command.add_argument("work", type=Path)
    command.add_argument("folder", type=Path)
    command.add_argument("--fresh", action="store_true")
    command.add_argument("--limit", type=int, default=60 << 20, help="bytes")
    command = commands.add_parser("unpack")
    command.add_argument("file", type=Path)
    command.add_argument("work", type=Path)
    args = parser.parse_args()
    if args.command == "pack":
        pack(args.work, args.folder, args.limit, args.fresh)
    else:
        unpack(args.file, args.work)


if __name__ == "__main__":
    main()
