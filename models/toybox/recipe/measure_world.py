"""What the measures are trained on: compositions of Toybox's world, of every drawing and not only of those that captions stand for.

An identity is one drawing of one thing by one artist. The embedding is never trained on the held-out subjects, nor on any drawing of
the WATCHED classes, by which its training is watched.
"""
import torch
import torch.nn.functional as F

import network_input
from backgrounds import SIZE
from captions import WORDS
from classes import HELD_OUT
from world import LATENT, World

# Places of the embedding, across and down.
PLACES = 8
# Classes whose drawings the embedding never sees in training.
WATCHED = [w for w in WORDS if w not in HELD_OUT][3::12]


def alike(a, b):
    """Whether two drawings, RGB multiplied by alpha, can hardly be told apart at a small size."""
    return (a - b).abs().mean() < 8


def distinct(world):
    """Numbers of all drawings but those that show what an earlier one of their class shows already."""
    small = torch.cat([F.adaptive_avg_pool2d(c.float(), 24) for c in world.levels[1].split(256)])
    kept = []
    for numbers in world.of.values():
        own = []
        for i in numbers:
            if not any(alike(small[i], small[j]) for j in own):
                own.append(i)
        kept += own
    return kept


def open_world(work, held_out=False):
    """The world that measures look at: drawings turned, stretched and mirrored a little, as a model that draws by itself may do."""
    names = ["sprites.npz", "held-out.npz"] if held_out else ["sprites.npz"]
    return World([work / name for name in names], bent=True)


def identities(world):
    """(numbers of drawings to train on, numbers to watch by)."""
    kept = distinct(world)
    return [i for i in kept if world.words[i] not in WATCHED], [i for i in kept if world.words[i] in WATCHED]


def choose(r, world, drawings, count):
    """`count` of `drawings`, of different classes."""
    chosen = []
    while len(chosen) < count:
        i = r.choice(drawings)
        if world.words[i] not in [world.words[j] for j in chosen]:
            chosen.append(i)
    return chosen


def composed(r, world, plans):
    """Pictures of `plans` in -1..1, and where each thing is: (n, 4, PLACES, PLACES) in 0..1."""
    shown = torch.full((len(plans), LATENT, LATENT), -1, dtype=torch.int8)
    pictures = world.compose(r, plans, shown=shown)
    slots = torch.stack([shown == k for k in range(4)], 1).float()
    return pictures, F.adaptive_avg_pool2d(slots, PLACES)


def as_bytes(pictures):
    """uint8 (n, SIZE, SIZE, 3) of pictures in -1..1."""
    return ((pictures.float().clamp(-1, 1).permute(0, 2, 3, 1) + 1) * 127.5).round().byte().numpy()


def as_input(pictures):
    """What the networks read, float32 (n, 3, SIZE, SIZE) in -1..1, of uint8 (n, SIZE, SIZE, 3)."""
    assert pictures.shape[1:] == (SIZE, SIZE, 3), pictures.shape
    return torch.from_numpy(network_input.as_input(pictures))
