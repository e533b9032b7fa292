"""What makes packs fit for pictures with several subjects: company, values alone, and finding together.

    cargo xtask bench ways [--pairs dog+robot cat+car] [--steps 150]

Each subject of the pairs is found alone and in company (beside other things that the model drew), among keys and values and among values alone, and drawn in the
16 contexts alone and with its partner; and the partners are drawn with packs that `cones tune` made of those: found anew together, and with factors. Judged as the table
is. What is found is kept in target/bench/table; quick settings, so that all of it takes half an hour of a free core.
"""
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

import torch  # noqa: E402

from bench import Bench, noise, parser  # noqa: E402
from prompts import in_contexts  # noqa: E402
from judge import Judge  # noqa: E402
from subjects import NAMES, subject  # noqa: E402
from systems import SYSTEMS, by_name, size  # noqa: E402
import kept  # noqa: E402

FIND = {
    "keys and values, alone": ("--only", "both", "--alone"),
    "keys and values, in company": ("--only", "both"),
    "values, alone": ("--only", "values", "--alone"),
    "values, in company": ("--only", "values"),
}
TUNE = {
    "found together": (),
    "found together, among values": ("--only", "values"),
    "factors, quaternary": ("--precision", "quaternary"),
    "factors, float16": ("--precision", "float16"),
}
# Those of FIND that are tuned: what was the default, and what is.
TUNED = {"keys and values, alone": ("factors, quaternary",), "values, in company": tuple(TUNE)}
QUICK = ("--held-out", 24, "--drawn", 8)


class Ways:
    def __init__(self, args):
        self.bench, self.judge, self.steps = Bench(args), Judge(), args.steps

    def packs(self, way, subjects):
        trigger = lambda one: ("--trigger", f"{one.trigger} {one.word}")
        more = (*FIND[way], *QUICK, "--steps", self.steps)
        return [self.bench.cones.found(one, "learned", "trigger", *more, *trigger(one), way=f"ways/{self.steps}/{way}")[0] for one in subjects]

    def tuned(self, found, how, subjects):
        packs = self.packs(found, subjects)
        folder = f"ways/{self.steps}/{found}/{how}"
        return self.bench.cones.tuned(subjects, packs, *TUNE[how], *QUICK, "--steps", self.steps, way=folder)[0]

    def row(self, name, subjects, packs):
        if packs is None:
            pictures = SYSTEMS["base"].run(self.bench, subjects, 0).pictures
        else:
            pictures = self.bench.cones.draw(in_contexts(by_name(subjects)), packs, noise(0))
        self.bench.sheet(name.replace(" ", "-"), [one.word for one in subjects], 0, pictures)
        figures = self.judge.figures(pictures, subjects, *self.bench.asked(subjects))
        kilobytes = f"{size(packs) / 1e3:.1f}" if packs else ""
        shares = [f"{100 * figures[key]:.0f} %" for key in ("recognised", "classes", "context")]
        return ["+".join(one.word for one in subjects), name, f"{figures['text']:.3f}", f"{figures['alike']:.3f}", *shares, kilobytes]


def main():
    arguments = parser("ways", __doc__)
    arguments.add_argument("--pairs", nargs="+", default=["dog+robot", "cat+car"], help=f"of {', '.join(NAMES)}")
    arguments.add_argument("--steps", type=int, default=150, help="of finding, and of tuning")
    args = arguments.parse_args()
    torch.set_num_threads(1)
    pairs = [pair.split("+") for pair in args.pairs]
    if unknown := {word for pair in pairs for word in pair} - set(NAMES):
        arguments.error(f"no subject is called {', '.join(sorted(unknown))}; there are {', '.join(NAMES)}")
    ways, rows = Ways(args), []
    sets = [[word] for pair in pairs for word in pair] + pairs
    for words in sets:
        subjects = [subject(word) for word in words]
        rows.append(ways.row("base model", subjects, None))
        rows += [ways.row(way, subjects, ways.packs(way, subjects)) for way in FIND]
        for found, hows in TUNED.items() if len(words) > 1 else ():
            rows += [ways.row(f"{found}; {how}", subjects, ways.tuned(found, how, subjects)) for how in hows]
    kept.table(["subjects", "found", "text alignment", "alike", "all recognised", "classes right", "context right", "KB a subject"], rows)


if __name__ == "__main__":
    main()
