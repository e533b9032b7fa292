"""The measures as they are used: two ONNX networks, the reference vectors, and the rules. numpy and ONNX Runtime only.

`cones evaluate` does the same; `../measure/README.md` says it in words.
"""
import json
from pathlib import Path

import numpy as np
import onnxruntime
from safetensors import safe_open

# How sharply the places that resemble a class count, in the mean over places.
FOCUS = 20.0


class Network:
    def __init__(self, path):
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        self.outputs = [o.name for o in self.session.get_outputs()]

    def run(self, pictures):
        """All outputs by name for pictures [n, 3, 128, 128] in -1..1."""
        parts = [self.session.run(None, {"image": pictures[i:i + 64]}) for i in range(0, len(pictures), 64)]
        return {n: np.concatenate([p[i] for p in parts]) for i, n in enumerate(self.outputs)}


class Measure:
    def __init__(self, folder):
        folder = Path(folder)
        self.embedding, self.classifier = Network(folder / "embedding.onnx"), Network(folder / "classifier.onnx")
        labels = json.loads((folder / "labels.json").read_text())
        self.words, self.contexts = labels["objects"], [kind for kind, _ in labels["contexts"]]
        with safe_open(folder / "references.safetensors", "np") as file:
            # "dog/noto" -> six unit vectors
            self.references = {name: file.get_tensor(name) for name in file.keys()}
            self.held_out = json.loads(file.metadata()["held_out"])

    def instances(self, word):
        """Names of the instances of a class."""
        return sorted(n for n in self.references if n.split("/")[0] == word)

    def nearest(self, seen, candidates, several=False):
        """The nearest of `candidates` (names of references) in each picture, given the embedding's outputs `seen`.

        In a picture with several subjects, what counts is the part of it that resembles the candidates.
        """
        rows = [np.asarray(self.references[c]) for c in candidates]
        vectors = around(seen, np.concatenate(rows)) if several else seen["embedding"]
        likeness = np.stack([(vectors @ r.T).max(1) for r in rows], 1)
        return [candidates[i] for i in likeness.argmax(1)]

    def text(self, pictures, wanted):
        """For each picture and its (class words, context): (objects right, context right)."""
        out = self.classifier.run(pictures)
        return [(objects_right(o, [self.words.index(w) for w in words]), self.contexts[c.argmax()] == kind)
                for o, c, (words, kind) in zip(out["objects"], out["context"], wanted)]


def around(seen, references):
    """Mean local vector of each picture over the places that resemble any of `references` and hold an object."""
    local = seen["local"].reshape(len(seen["local"]), -1, 64)
    weights = seen["presence"].reshape(len(local), -1) * np.exp(FOCUS * (local @ references.T).max(2))
    vectors = np.einsum("npd,np->nd", local, weights)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def objects_right(scores, wanted):
    """The wanted classes have the highest scores, and each is more likely there than not."""
    top = np.argsort(-scores, kind="stable")[:len(wanted)]
    return set(top) == set(wanted) and bool((scores[top] > 0).all())
