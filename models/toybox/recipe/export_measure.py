"""Exports the two measures to ONNX and embeds the reference drawings, so that measuring needs neither PyTorch nor artwork.

    python export_measure.py --npm NODE_MODULES --work WORK --out ../measure
"""
import argparse
import json
import logging
import warnings
from pathlib import Path

import numpy as np
import torch
from safetensors.numpy import save_file

import measure
import measure_world
import train_classifier
import train_embedding
import world
from make_subjects import CONTEXTS
from onnx_export import export

NETWORKS = {
    "embedding": (train_embedding, ["embedding", "local", "presence"]),
    "classifier": (train_classifier, ["objects", "context"]),
}


def references(out, sprites):
    """Six vectors of each instance of each class, made as the six pictures of a subject are."""
    network = measure.Network(out / "embedding.onnx")
    vectors = {}
    for artwork, word in sprites:
        r = world.seeded(f"{artwork}-{word}")
        pictures = [np.asarray(world.compose(r, sprites, [(artwork, word)], kind)) for kind in CONTEXTS]
        vectors[f"{word}/{artwork}"] = network.run(measure_world.as_input(np.stack(pictures)).numpy())["embedding"]
    metadata = dict(held_out=json.dumps([f"{w}/{a}" for a, w in world.HELD_OUT]))
    save_file(vectors, out / "references.safetensors", metadata=metadata)
    print(f"references.safetensors: {len(vectors)} instances")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--npm", required=True)
    parser.add_argument("--work", required=True)
    parser.add_argument("--out", required=True)
    args = parser.parse_args()
    torch.set_num_threads(1)
    logging.disable(logging.WARNING)
    warnings.simplefilter("ignore")
    out = Path(args.out)
    out.mkdir(parents=True, exist_ok=True)
    for name, (trainer, outputs) in NETWORKS.items():
        export(trainer.load(args.work), outputs, out / f"{name}.onnx", world.GRID)
    # Each context with the words by which prompts ask for it.
    contexts = [[kind, world.SCENES.get(kind, f"on a {kind} background")] for kind in world.CONTEXTS]
    (out / "labels.json").write_text(json.dumps(dict(objects=list(world.CLASSES), contexts=contexts, model="toybox")) + "\n")
    references(out, world.load_sprites(args.npm, Path(args.work) / "sprites.pkl"))


if __name__ == "__main__":
    main()
