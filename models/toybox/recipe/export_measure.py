"""Exports the two measures to ONNX and embeds the reference drawings, so that measuring needs neither PyTorch nor artwork.

    python export_measure.py --work WORK --out ../measure

References are named `dog/noto`, a second drawing of the set `dog/noto.2`, a held-out subject `dog/fluent`, and
with its colours turned by a third and by two thirds of the circle `dog/fluent~120`, so that another subject does not pass for it.
"""
import argparse
import json
import logging
import random
import warnings
from pathlib import Path

import numpy as np
import torch
from safetensors.numpy import save_file

import measure
import measure_world
import train_classifier
import train_embedding
from backgrounds import SIZE
from captions import WORDS
from classes import HELD_OUT
from contexts import CONTEXTS, SCENES
from make_subjects import CONTEXTS as SHOWN_IN
from make_subjects import PREFIX, SET
from onnx_export import export
from world import World, hue_matrix

NETWORKS = {
    "embedding": (train_embedding, ["embedding"]),
    "classifier": (train_classifier, ["objects", "context"]),
}
TURNS = (120, 240)


def turned(pixels, degrees):
    """RGBA of a drawing, uint8 (4, n, n), with its colours turned."""
    matrix = torch.tensor(hue_matrix(np.radians(degrees), 1.0))
    rgb = torch.einsum("ij,jhw->ihw", matrix, pixels[:3].float()).clamp_min(0)
    return torch.cat([torch.minimum(rgb, pixels[3:].float()).round().byte(), pixels[3:]])


def instances(world):
    """[(name of the reference, number of its drawing)]; drawings with turned colours are added to the world."""
    found, subjects = [], {world.drawing(word, SET): word for word in HELD_OUT}
    # Some subjects can hardly be told from the glossy drawing of theirs, which comes before them.
    for i in sorted({*measure_world.distinct(world), *subjects}):
        word, name = world.words[i], world.sets[i]
        if i in subjects:
            found.append((f"{word}/{PREFIX}", i))
        elif word in HELD_OUT and name in ("fluent-emoji", SET):
            # The same subject in another technique: it would pass for it rightly.
            continue
        else:
            second = sum(n.split("/")[0] == word and n.split("/")[1].split(".")[0] == name for n, _ in found)
            found.append((f"{word}/{name}" + (f".{second + 1}" if second else ""), i))
    for i, word in subjects.items():
        for degrees in TURNS:
            levels = [turned(level[i], degrees) for level in world.levels]
            if not measure_world.alike(levels[1].float(), world.levels[1][i].float()):
                world.levels = [torch.cat([level, new[None]]) for level, new in zip(world.levels, levels)]
                world.words.append(word)
                world.sets.append(SET)
                found.append((f"{word}/{PREFIX}~{degrees}", len(world.words) - 1))
    return found


def references(out, work):
    """Six vectors of each instance, made as the six pictures of a subject are."""
    network = measure.Network(out / "embedding.onnx")
    world = World([work / "sprites.npz", work / "held-out.npz"])
    vectors = {}
    for name, drawing in instances(world):
        pictures = world.compose(random.Random(name), [([drawing], kind) for kind in SHOWN_IN])
        pictures = measure_world.as_input(measure_world.as_bytes(pictures)).numpy()
        vectors[name] = network.run(pictures)["embedding"].astype(np.float32)
    held_out = [f"{word}/{PREFIX}" for word in WORDS if word in HELD_OUT]
    save_file(vectors, out / "references.safetensors", metadata=dict(held_out=json.dumps(held_out)))
    print(f"references.safetensors: {len(vectors)} instances")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--work", required=True, type=Path)
    parser.add_argument("--out", required=True, type=Path)
    args = parser.parse_args()
    torch.set_num_threads(1)
    logging.disable(logging.WARNING)
    warnings.simplefilter("ignore")
    args.out.mkdir(parents=True, exist_ok=True)
    for name, (trainer, outputs) in NETWORKS.items():
        export(trainer.load(args.work), outputs, args.out / f"{name}.onnx", SIZE)
    # Each context with the words by which prompts ask for it.
    contexts = [[kind, SCENES.get(kind, f"on a {kind} background")] for kind in CONTEXTS]
    (args.out / "labels.json").write_text(json.dumps(dict(objects=WORDS, contexts=contexts, model="toybox")) + "\n")
    references(args.out, args.work)


if __name__ == "__main__":
    main()
