"""How good the two measures are: figures of `../measure/README.md`, printed as tables.

    python evaluate_measure.py --work WORK --measure ../measure [--only '2 subjects' …]

Compositions of the held-out subjects, which the embedding has not seen, and of the other drawings of their classes: as they are,
through the VAE, and redrawn by the model from timestep 160 and 320 (`redraw.py`), where the picture slowly stops being the subject.
"""
import argparse
import random
from pathlib import Path

import numpy as np
import torch

import export_measure
import measure
import measure_world
import redraw
from backgrounds import SIZE
from captions import WORDS, caption
from classes import HELD_OUT
from contexts import CONTEXTS
from make_subjects import PREFIX
from world import World

KINDS = {"as they are": None, "VAE": 0, "redrawn from 160": 160, "from 320": 320}
SUBJECTS = [word for word in WORDS if word in HELD_OUT]


def scenes(drawings):
    """{name: [(names of references, context)]}; `drawings` are the references of the subjects' classes."""
    r = random.Random("scenes")
    others = {word: [n for n in drawings if n.startswith(f"{word}/") and not n.split("/")[1].startswith(PREFIX + "~") and n != own(word)]
              for word in SUBJECTS}
    recoloured = [n for n in drawings if n.split("/")[1].startswith(PREFIX + "~")]
    sets = {
        "subject": [([own(word)], kind) for word in SUBJECTS for kind in r.sample(CONTEXTS, 8)],
        "another drawing of the class": [([name], kind) for names in others.values() for name in names for kind in r.sample(CONTEXTS, 2)],
        "the subject recoloured": [([name], kind) for name in recoloured for kind in r.sample(CONTEXTS, 4)],
    }
    for count in (2, 3, 4):
        words = [r.sample(SUBJECTS, count) for _ in range(100)]
        sets[f"{count} subjects"] = [([own(word) for word in some], r.choice(CONTEXTS)) for some in words]
    return sets


def own(word):
    return f"{word}/{PREFIX}"


def drawn(redrawer, world, numbers, wanted, start):
    """Pictures of some scenes as uint8: as they are without a start, through the VAE from timestep 0, else redrawn."""
    r, pictures = random.Random("evaluation"), []
    for i in range(0, len(wanted), 32):
        part = wanted[i:i + 32]
        composed = world.compose(r, [([numbers[name] for name in names], kind) for names, kind in part])
        if start is not None:
            latents = redrawer.encode(composed)
            captions = [caption([name.split("/")[0] for name in names], kind) for names, kind in part]
            composed = redrawer.decode(redrawer.redraw(latents, captions, start) if start else latents)
        pictures.append(measure_world.as_bytes(composed))
    return np.concatenate(pictures)


def taken(measured, pictures, wanted):
    """Of each picture and thing asked for, whether the subject of its class is nearest."""
    # As many things in each of them.
    seen, flags = measured.seen(pictures, len(wanted[0][0]) > 1), []
    for i, (names, _) in enumerate(wanted):
        words = [name.split("/")[0] for name in names]
        flags.append([measured.nearest(seen[i:i + 1], measured.instances(word))[0] == own(word) for word in words])
    return flags


def percent(flags):
    return f"{100 * np.mean(flags):.1f} %" if len(flags) else "-"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--work", required=True, type=Path)
    parser.add_argument("--measure", required=True, type=Path)
    parser.add_argument("--only", nargs="+", help="rows of the table to measure, by their names; else all: hours of one core")
    args = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    measured, redrawer = measure.Measure(args.measure), redraw.Redrawer(args.work)
    world = World([args.work / "sprites.npz", args.work / "held-out.npz"])
    numbers = dict(export_measure.instances(world))
    rows, sets = [], scenes([n for n in numbers if n.split("/")[0] in HELD_OUT])
    if unknown := sorted({*(args.only or sets)} - {*sets}):
        parser.error(f"there is no row {', '.join(unknown)}; there are {', '.join(sets)}")
    for name in args.only or sets:
        wanted = sets[name]
        row = {part: [] for part in ("each taken for the subject", "all of them", "class words", "context")}
        for start in KINDS.values():
            pictures = drawn(redrawer, world, numbers, wanted, start)
            x = measure_world.as_input(pictures).numpy()
            flags = taken(measured, pictures, wanted)
            text = measured.text(x, [([n.split("/")[0] for n in names], kind) for names, kind in wanted])
            row["each taken for the subject"].append(percent([f for some in flags for f in some]))
            row["all of them"].append(percent([all(some) for some in flags]))
            row["class words"].append(percent([t[0] for t in text]))
            row["context"].append(percent([t[1] for t in text]))
        rows += [[name if i == 0 else "", len(wanted), part, *cells] for i, (part, cells) in enumerate(row.items())]
        print(f"{name}: {row}", flush=True)
    print(f"\n| {SIZE} px pictures of | | | " + " | ".join(KINDS) + " |\n|" + "---|" * (3 + len(KINDS)))
    for cells in rows:
        print("| " + " | ".join(map(str, cells)) + " |")


if __name__ == "__main__":
    main()
