"""The redrawn pictures that the measures are trained on, in memory."""
import numpy as np


class Redrawn:
    """All shards that `redraw.py` has written."""

    def __init__(self, work):
        shards = [np.load(path) for path in sorted((work / "redrawn").glob("????.npz"))]
        if not shards:
            raise SystemExit("no redrawn pictures: run redraw.py first")
        self.pictures = {name: np.concatenate([s[name] for s in shards]) for name in ("plain", "redrawn")}
        self.masks, self.drawings, self.contexts = (
            np.concatenate([s[name] for s in shards]) for name in ("masks", "drawings", "contexts"))

    def choose(self, r, plain=0.3):
        """A picture's row, and itself as uint8: through the VAE alone for this share of them."""
        row = r.randrange(len(self.drawings))
        return row, self.pictures["plain" if r.random() < plain else "redrawn"][row]

    def shown(self, row):
        """Numbers of the drawings in it."""
        return [int(i) for i in self.drawings[row] if i >= 0]
