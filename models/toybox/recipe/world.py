"""The world that Toybox draws: one to four things in a context, composed in batches with PyTorch on CPU or GPU.

A thing is a drawing of the artwork sets, varied in size and place, and if asked for as photographs vary: proportions, a small turn, mirrored, hue,
brightness; on a ground it throws a soft shadow. Captions read "a dog, a cat and an apple on grass".
"""
import math
import random
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

from backgrounds import FLOATING, SIZE, background
from captions import STYLES, WORDS, said
from classes import CATEGORIES
from contexts import CONTEXTS, SCENES

# How often a caption says the style; and the set that things come from where it does not (where it has the class). What a caption leaves
# open is learned as a blur first: with eight drawings of each class and no word for which, no face was learned in 490,000 pictures.
STYLED, PLAIN = 0.2, "twemoji"
# Whether things are varied beyond size and place: turned, stretched and mirrored (BENT), in hue and brightness (COLOURED). While they were, and
# a plain caption left the artwork set open, hardly a face was learned in 640,000 pictures, which is what a CPU makes; where there can be more of
# them it is worth another try.
BENT = COLOURED = False
# How often a picture holds 1, 2, 3, 4 things.
COUNTS = (0.28, 0.24, 0.24, 0.24)
BACKGROUNDS = 96
# Places of a latent, across and down.
LATENT = 16
# Things that come in any colour; of others the hue moves a little.
ANY_HUE = set(
    "car bus taxi balloon umbrella backpack handbag dress shirt cap crown book pencil brush gift hat boot tulip rose bicycle scooter "
    "motorcycle train tram tent circus kite glasses sunglasses guitar butterfly fish lollipop door cake".split())


@dataclass
class Examples:
    """Training examples, `n` of them."""

    # In -1..1, (n, 3, SIZE, SIZE).
    pictures: torch.Tensor
    # One in ten is empty.
    texts: list
    # Where each thing's words stand in the text: [(start, end)], none where it is empty.
    spans: list
    # (drawings' numbers, context) of each.
    plans: list
    # Which thing covers most of each place, -1 where none does: (n, LATENT, LATENT), int8.
    shown: torch.Tensor


def places(r, count):
    """(centre x, centre y, size) of each of `count` things, in pixels, apart from each other."""
    if count == 1:
        s = r.uniform(72, 100)
        x = SIZE / 2 + r.uniform(-14, 14)
        return [(x, r.uniform(0.6 * SIZE - 4, SIZE - 0.49 * s), s)]
    if count == 2:
        cells = [(0.25, 0.58), (0.75, 0.58)]
        sizes = (50, 62)
    elif count == 3:
        # Never three in a row: a third of the width is too little for a face.
        cells = r.choice(([(0.25, 0.72), (0.75, 0.72), (0.5, 0.26)], [(0.25, 0.28), (0.75, 0.28), (0.5, 0.74)]))
        sizes = (46, 58)
    else:
        cells = [(0.25, 0.27), (0.75, 0.27), (0.25, 0.74), (0.75, 0.74)]
        sizes = (46, 58)
    spots = []
    for cx, cy in cells:
        s = r.uniform(*sizes)
        x, y = cx * SIZE + r.uniform(-4, 4), cy * SIZE + r.uniform(-5, 5)
        spots.append((min(max(x, 0.48 * s), SIZE - 0.48 * s), min(max(y, 0.48 * s), SIZE - 0.48 * s), s))
    # Said in any order: words do not say where a thing stands.
    r.shuffle(spots)
    return spots


class World:
    """Sprites and backgrounds in memory, and batches of pictures of them.

    `sprites` are the files that `artwork.py` wrote, or what such a file holds; `device` is where pictures are composed.
    """

    def __init__(self, sprites, device="cpu", backgrounds=BACKGROUNDS, seed=0, bent=BENT):
        self.bent = bent
        files = [part if isinstance(part, dict) else np.load(part) for part in sprites]
        keys = [str(k).split("/") for file in files for k in file["keys"]]
        pixels = torch.from_numpy(np.concatenate([file["sprites"] for file in files]))
        self.device = torch.device(device)
        # Two sizes of each, so that a small thing is sampled from a small drawing without flicker.
        full = pixels.permute(0, 3, 1, 2).to(self.device)
        half = torch.cat([F.avg_pool2d(c.float(), 2).round().byte() for c in full.split(256)])
        self.levels = [full, half]
        self.words = [word for _, word in keys]
        self.sets = [name for name, _ in keys]
        self.of = {w: [i for i, word in enumerate(self.words) if word == w] for w in dict.fromkeys(self.words)}
        r = random.Random(seed)
        self.backgrounds = torch.from_numpy(np.stack(
            [np.stack([background(r, kind) for _ in range(backgrounds)]) for kind in CONTEXTS])
        ).permute(0, 1, 4, 2, 3).contiguous().to(self.device)

    def drawing(self, word, drawn_in):
        """The number of the one drawing of a class that the set `drawn_in` stands for; where it has none, PLAIN's, else any set's.

        A set has several of a fifth of all classes (a dog's face and a whole dog). No word tells them apart, so one is shown."""
        return next(i for name in (drawn_in, PLAIN, None) for i in self.of[word] if name in (self.sets[i], None))

    def plan(self, r, count=None, kind=None, words=None, drawn_in=None):
        """What stands in one picture: (drawings' numbers, context); as the set `drawn_in` draws it, any of all drawings without."""
        kind = kind or (r.choice(list(SCENES)) if r.random() < 0.68 else r.choice(CONTEXTS[len(SCENES):]))
        if words is None:
            count = count or r.choices((1, 2, 3, 4), COUNTS)[0]
            words = r.sample(list(self.of), count)
        return [self.drawing(w, drawn_in) if drawn_in else r.choice(self.of[w]) for w in words], kind

    def sample(self, r, count):
        """`count` training examples."""
        styles = [r.choice(list(STYLES)) if r.random() < STYLED else None for _ in range(count)]
        sets = [STYLES[style] if style else PLAIN for style in styles]
        plans = [self.plan(r, drawn_in=name) for name in sets]
        words = [("", []) if r.random() < 0.1 else said(r, [self.words[i] for i in items], kind, style)
                 for (items, kind), style in zip(plans, styles)]
        shown = torch.full((count, LATENT, LATENT), -1, dtype=torch.int8, device=self.device)
        pictures = self.compose(r, plans, shown=shown)
        return Examples(pictures, [text for text, _ in words], [spans for _, spans in words], plans, shown)

    def labels(self, plans):
        """Four numbers of classes for each picture, -1 where there are fewer, and the context's number: (count, 5), int16."""
        rows = [[WORDS.index(self.words[i]) for i in items] + [-1] * (4 - len(items)) + [CONTEXTS.index(kind)] for items, kind in plans]
        return np.array(rows, np.int16)

    def compose(self, r, plans, shown=None):
        """Pictures of `plans` in -1..1, of shape (len(plans), 3, SIZE, SIZE).

        `shown`, (len(plans), n, n), is given which of the picture's things, from 0 on, covers most of each of n x n places, and keeps
        what it holds where none does."""
        kinds = torch.tensor([CONTEXTS.index(kind) for _, kind in plans])
        which = torch.tensor([r.randrange(self.backgrounds.shape[1]) for _ in plans])
        canvas = self.backgrounds[kinds.to(self.device), which.to(self.device)].float()
        mirrored = torch.tensor([r.random() < 0.5 for _ in plans], device=self.device)
        canvas = torch.where(mirrored[:, None, None, None], canvas.flip(-1), canvas)
        spots = [places(r, len(items)) for items, _ in plans]
        for slot in range(4):
            rows = [b for b, (items, _) in enumerate(plans) if slot < len(items)]
            if not rows:
                break
            drawings = [plans[b][0][slot] for b in rows]
            grounded = [plans[b][1] not in FLOATING for b in rows]
            placed, alpha = self.thing(r, drawings, [spots[b][slot] for b in rows], grounded)
            index = torch.tensor(rows, device=self.device)
            canvas[index] = canvas[index] * (1 - placed[:, 3:]) + placed[:, :3]
            if shown is not None:
                covered = F.adaptive_avg_pool2d(alpha, shown.shape[-1])[:, 0] > 0.5
                shown[index] = shown[index].masked_fill(covered, slot)
        return canvas.clamp(0, 255) / 127.5 - 1

    def thing(self, r, drawings, spots, grounded):
        """Premultiplied RGB in 0..255 and alpha in 0..1, (n, 4, SIZE, SIZE), of drawings at their places with their shadows; and
        the alpha of the drawings alone, (n, 1, SIZE, SIZE)."""
        n = len(drawings)
        theta, colour, shade = [], [], []
        for i, (x, y, s) in zip(drawings, spots):
            turn = r.uniform(-0.14, 0.14) if self.bent else 0.0
            wide = r.uniform(0.9, 1.1) if self.bent else 1.0
            flip = -1.0 if self.bent and r.random() < 0.5 else 1.0
            c, k = math.cos(turn), math.sin(turn)
            # From the picture's coordinates (-1..1) to the drawing's.
            a, b = SIZE / s * wide * flip, SIZE / s / wide
            px, py = 2 * x / SIZE - 1, 2 * y / SIZE - 1
            theta.append([[a * c, a * k, -a * (c * px + k * py)], [-b * k, b * c, -b * (-k * px + c * py)]])
            hue = (r.uniform(-math.pi, math.pi) if self.words[i] in ANY_HUE and r.random() < 0.5 else r.uniform(-0.25, 0.25)) if COLOURED else 0.0
            colour.append(hue_matrix(hue, r.uniform(0.9, 1.15) if COLOURED else 1.0))
            shade.append(r.uniform(0.88, 1.08) if COLOURED else 1.0)
        theta = torch.tensor(theta, device=self.device)
        grid = F.affine_grid(theta, (n, 4, SIZE, SIZE), align_corners=False)
        small = torch.tensor([s < 0.6 * SIZE for _, _, s in spots], device=self.device)
        index = torch.tensor(drawings, device=self.device)
        out = torch.empty(n, 4, SIZE, SIZE, device=self.device)
        for level, chosen in ((0, ~small), (1, small)):
            if chosen.any():
                out[chosen] = F.grid_sample(self.levels[level][index[chosen]].float(), grid[chosen], align_corners=False)
        alpha = out[:, 3:] / 255
        matrix = torch.tensor(colour, device=self.device) * torch.tensor(shade, device=self.device)[:, None, None]
        rgb = torch.einsum("nij,njhw->nihw", matrix, out[:, :3]).clamp_min(0)
        rgb = torch.minimum(rgb, 255 * alpha)
        dark = 0.35 * self.shadow(spots, grounded)
        return torch.cat([rgb, alpha + (1 - alpha) * dark], 1), alpha

    def shadow(self, spots, grounded):
        """Soft flat ellipses under things, 0..1, (n, 1, SIZE, SIZE); nothing where a thing has no ground."""
        axis = torch.arange(SIZE, device=self.device) + 0.5
        x, y, s, on = (torch.tensor(v, device=self.device, dtype=torch.float32)[:, None, None] for v in (
            [p[0] for p in spots], [p[1] for p in spots], [p[2] for p in spots], grounded))
        d = ((axis[None, None, :] - x) / (0.40 * s)) ** 2 + ((axis[None, :, None] - y - 0.47 * s) / (0.085 * s)) ** 2
        return (on * torch.exp(-d.pow(1.5)))[:, None]


def hue_matrix(angle, saturation):
    """A turn of the hue by `angle` and a stretch of the colour, as a 3 x 3 matrix on RGB that keeps grey (Rec. 601 luma)."""
    luma = np.array([0.299, 0.587, 0.114])
    to_yiq = np.array([luma, [0.596, -0.274, -0.322], [0.211, -0.523, 0.312]])
    c, s = saturation * math.cos(angle), saturation * math.sin(angle)
    turn = np.array([[1, 0, 0], [0, c, -s], [0, s, c]])
    return (np.linalg.inv(to_yiq) @ turn @ to_yiq).astype(np.float32).tolist()


def to_images(batch):
    """PIL images of pictures in -1..1."""
    from PIL import Image
    pixels = ((batch.float().clamp(-1, 1) + 1) * 127.5).round().byte().permute(0, 2, 3, 1).cpu().numpy()
    return [Image.fromarray(p) for p in pixels]


def sheet(pictures, columns):
    from PIL import Image
    size = pictures[0].width
    out = Image.new("RGB", (columns * size, -(-len(pictures) // columns) * size))
    for i, p in enumerate(pictures):
        out.paste(p, ((i % columns) * size, (i // columns) * size))
    return out


if __name__ == "__main__":
    import argparse
    parser = argparse.ArgumentParser(description="Draws a sheet of training pictures, to be looked at.")
    parser.add_argument("--sprites", required=True)
    parser.add_argument("--out", required=True, type=Path)
    parser.add_argument("--count", type=int, default=60)
    args = parser.parse_args()
    world = World([args.sprites], backgrounds=8)
    examples = world.sample(random.Random(1), args.count)
    sheet(to_images(examples.pictures), 10).save(args.out)
    print("\n".join(examples.texts), {k: len(v) for k, v in CATEGORIES.items()}, sep="\n")
