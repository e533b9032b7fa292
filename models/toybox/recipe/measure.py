"""The measures as they are used: two ONNX networks, the reference vectors, and the rules. numpy, Pillow and ONNX Runtime only.

`cones evaluate` does the same; `../measure/README.md` says it in words.
"""
import json
from pathlib import Path

import numpy as np
import onnxruntime
from PIL import Image
from safetensors import safe_open

from network_input import as_input

# Parts of a picture in which several subjects are looked for: their sides, in eighths of the picture's.
CELLS, SIDES = 8, (3, 4, 5, 6)


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

    def seen(self, pictures, several=False):
        """Of pictures, uint8 [n, height, width, 3], the vectors [n, of each, width] by which they are judged: of the picture, or, where several subjects are
        looked for, of its parts."""
        if not several:
            return self.embedding.run(as_input(pictures))["embedding"][:, None]
        return np.stack([self.embedding.run(as_input(parts(picture)))["embedding"] for picture in pictures])

    def nearest(self, seen, candidates):
        """The nearest of `candidates` (names of references) in each picture, by its vectors."""
        return [candidates[i] for i in self.likeness(seen, candidates).argmax(1)]

    def likeness(self, seen, candidates):
        """How alike each picture is to each of the candidates [n, candidates]: the highest cosine of any of its vectors with any of theirs."""
        return np.stack([(seen @ np.asarray(self.references[name]).T).max((1, 2)) for name in candidates], 1)

    def text(self, pictures, wanted):
        """For each picture and its (class words, context): (objects right, context right)."""
        out = self.classifier.run(pictures)
        return [(objects_right(o, [self.words.index(w) for w in words]), self.contexts[c.argmax()] == kind)
                for o, c, (words, kind) in zip(out["objects"], out["context"], wanted)]


def parts(picture):
    """Parts of a picture, uint8 [height, width, 3], from 3/8 to 6/8 of its sides at each eighth, at the size of the picture."""
    whole = Image.fromarray(picture)
    across, down = whole.size

    def part(side, top, left):
        box = (across * left // CELLS, down * top // CELLS, across * (left + side) // CELLS, down * (top + side) // CELLS)
        return whole.crop(box).resize(whole.size, Image.Resampling.LANCZOS)
    places = [(side, top, left) for side in SIDES for top in range(CELLS - side + 1) for left in range(CELLS - side + 1)]
    return np.stack([np.asarray(part(*place)) for place in places])


def objects_right(scores, wanted):
    """The wanted classes have the highest scores, and each is more likely there than not."""
    top = np.argsort(-scores, kind="stable")[:len(wanted)]
    return set(top) == set(wanted) and bool((scores[top] > 0).all())
