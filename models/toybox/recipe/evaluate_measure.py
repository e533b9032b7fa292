"""How good the two measures are: figures of `../measure/README.md`, printed as tables.

    python evaluate_measure.py --npm NODE_MODULES --work WORK --pipeline PIPELINE

Compositions of the held-out subjects, which no network has seen, and of the other instances of their classes: as they are,
through the VAE, and redrawn by Toybox from timestep 160 and 320 (`redraw.py`), where the picture slowly stops being the subject.
"""
import argparse
import os
import pickle
from pathlib import Path

import numpy as np
import torch

import measure
import measure_world
import redraw
import world

ARTISTS = list(world.ARTWORK)
KINDS = {"real": None, "VAE": 0, "redrawn 160": 160, "redrawn 320": 320}


def scenes():
    """Named lists of (items, context)."""
    subjects = [w for _, w in world.HELD_OUT]
    r = world.seeded("several")
    sets = {
        "subject": [([("fluent", w)], k) for w in subjects for k in world.CONTEXTS for _ in range(3)],
        "other": [([(a, w)], k) for w in subjects for k in world.CONTEXTS for a in ARTISTS[1:]],
        "known": [([(r.choice([a for a in ARTISTS if (a, w) not in world.HELD_OUT]), w)], k)
                  for w in world.CLASSES for k in world.CONTEXTS],
    }
    for n in (2, 3):
        words = [r.sample(subjects, n) for _ in range(200)]
        kinds = [world.context(r) for _ in words]
        sets[f"{n} subjects"] = [([("fluent", w) for w in ws], k) for ws, k in zip(words, kinds)]
        sets[f"{n} others"] = [([(r.choice(ARTISTS[1:]), w) for w in ws], k) for ws, k in zip(words, kinds)]
    return sets


def pictures(sprites, pipeline, cache):
    """{set: {kind: uint8 pictures}}, drawn once."""
    if cache.exists():
        return pickle.loads(cache.read_bytes())
    redrawer, out = redraw.Redrawer(pipeline), {}
    torch.manual_seed(0)
    for name, wanted in scenes().items():
        r = world.seeded(f"evaluation {name}")
        real = np.stack([np.asarray(world.compose(r, sprites, items, kind)) for items, kind in wanted])
        captions = [redraw.caption(items, kind) for items, kind in wanted]
        out[name] = {kind: [] for kind in KINDS}
        for i in range(0, len(real), 32):
            latents = redrawer.encode(measure_world.as_input(real[i:i + 32]))
            for kind, start in KINDS.items():
                if start is None:
                    out[name][kind].append(real[i:i + 32])
                    continue
                moved = redrawer.redraw(latents, captions[i:i + 32], start) if start else latents
                out[name][kind].append(redraw.as_bytes(redrawer.decode(moved)))
        out[name] = {kind: np.concatenate(parts) for kind, parts in out[name].items()}
    part = cache.with_suffix(".part")
    part.write_bytes(pickle.dumps(out))
    os.replace(part, cache)
    return out


def percent(flags):
    return f"{100 * np.mean(flags):.1f} %" if len(flags) else "-"


def table(head, rows):
    print("| " + " | ".join(head) + " |\n|" + "---|" * len(head))
    for row in rows:
        print("| " + " | ".join(str(c) for c in row) + " |")
    print(flush=True)


def recognised(measured, seen, wanted, several):
    """For each picture the words of it whose nearest instance is the Fluent one, as flags in the order of the items."""
    flags = [[None] * len(items) for items, _ in wanted]
    for word in sorted({w for items, _ in wanted for _, w in items}):
        places = [(n, [w for _, w in items].index(word)) for n, (items, _) in enumerate(wanted)
                  if word in [w for _, w in items]]
        rows = [n for n, _ in places]
        found = measured.nearest({k: v[rows] for k, v in seen.items()}, measured.instances(word), several)
        for (n, i), name in zip(places, found):
            flags[n][i] = name == f"{word}/fluent"
    return flags


def one_subject(measured, drawn, wanted):
    seen = {(s, k): measured.embedding.run(measure_world.as_input(drawn[s][k]).numpy())
            for s in ("subject", "other") for k in KINDS}
    flags = {key: recognised(measured, out, wanted[key[0]], False) for key, out in seen.items()}
    for several, name in ((False, "whole picture"), (True, "best places")):
        print(f"One subject, rule of the {name}: recognised, and other instances of its class mistaken for it\n")
        rows = []
        for s in ("subject", "other"):
            flagged = {k: recognised(measured, seen[s, k], wanted[s], several) for k in KINDS}
            rows.append([s, len(wanted[s])] + [percent(np.concatenate(flagged[k])) for k in KINDS])
        table(["pictures", "count", *KINDS], rows)
    print("By subject: recognised; in brackets, other instances mistaken for it\n")
    rows = []
    for _, word in world.HELD_OUT:
        row = [word]
        for k in KINDS:
            cells = [percent([f[0] for f, (items, _) in zip(flags[s, k], wanted[s]) if items[0][1] == word])
                     for s in ("subject", "other")]
            row.append(f"{cells[0]} ({cells[1]})")
        rows.append(row)
    table(["subject", *KINDS], rows)
    print("The subject's pictures against more\n")
    subjects, everything = [f"{w}/fluent" for _, w in world.HELD_OUT], sorted(measured.references)
    rows = []
    for title, candidates in (("the 14 subjects", subjects), (f"all {len(everything)} instances of all classes", everything)):
        row = [title]
        for k in KINDS:
            found = measured.nearest(seen["subject", k], candidates)
            row.append(percent([f == f"{items[0][1]}/fluent" for f, (items, _) in zip(found, wanted["subject"])]))
        rows.append(row)
    table(["nearest among", *KINDS], rows)


def several_subjects(measured, drawn, wanted):
    print("Several subjects: each recognised, all of the picture recognised; other instances mistaken for the subject\n")
    rows = []
    for n in (2, 3):
        flags = {(s, k): recognised(measured, measured.embedding.run(measure_world.as_input(drawn[s][k]).numpy()), wanted[s], True)
                 for s in (f"{n} subjects", f"{n} others") for k in KINDS}
        rows.append([f"{n}, each"] + [percent(np.concatenate(flags[f"{n} subjects", k])) for k in KINDS])
        rows.append([f"{n}, all"] + [percent([all(f) for f in flags[f"{n} subjects", k]]) for k in KINDS])
        rows.append([f"{n}, others mistaken"] + [percent(np.concatenate(flags[f"{n} others", k])) for k in KINDS])
    table(["subjects", *KINDS], rows)


def text_alignment(measured, drawn, wanted):
    print("Text alignment: all class words right, context right\n")
    rows = []
    for s in ("known", "other", "subject", "2 others", "2 subjects", "3 others", "3 subjects"):
        row = [s, len(wanted[s])]
        for k in KINDS:
            asked = [([w for _, w in items], kind) for items, kind in wanted[s]]
            right = measured.text(measure_world.as_input(drawn[s][k]).numpy(), asked)
            row.append(" / ".join(percent([r[i] for r in right]) for i in (0, 1)))
        rows.append(row)
    table(["pictures", "count", *KINDS], rows)
    print("Class word of the held-out subject right, by subject\n")
    rows = []
    for _, word in world.HELD_OUT:
        row = [word]
        for k in KINDS:
            chosen = [n for n, (items, _) in enumerate(wanted["subject"]) if items[0][1] == word]
            asked = [([word], wanted["subject"][n][1]) for n in chosen]
            right = measured.text(measure_world.as_input(drawn["subject"][k][chosen]).numpy(), asked)
            row.append(percent([r[0] for r in right]))
        rows.append(row)
    table(["subject", *KINDS], rows)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--npm", required=True)
    parser.add_argument("--work", required=True)
    parser.add_argument("--pipeline", required=True)
    parser.add_argument("--measure", default=str(Path(__file__).parent.parent / "measure"))
    args = parser.parse_args()
    torch.set_num_threads(1)
    work = Path(args.work)
    sprites = world.load_sprites(args.npm, work / "sprites.pkl")
    measured, wanted = measure.Measure(args.measure), scenes()
    drawn = pictures(sprites, args.pipeline, work / "evaluation.pkl")
    one_subject(measured, drawn, wanted)
    several_subjects(measured, drawn, wanted)
    text_alignment(measured, drawn, wanted)


if __name__ == "__main__":
    main()
