"""What was measured, a line for each system, set of subjects and seed, and the tables made of it."""
import csv
from pathlib import Path
from statistics import mean, stdev

import paths  # noqa: F401
import kept

FILE = Path(__file__).resolve().parent / "figures.tsv"
KEY = ("system", "subjects", "seed")
SHOWN = ("text", "image", "alike", "each", "recognised", "classes", "context")
COLUMNS = (*KEY, *SHOWN, "taught", "bytes", "seconds", "switch")


class Figures:
    """Read whole, and written whole after each line, so that nothing of it is ever half there."""

    def __init__(self, file=FILE):
        self.file = file
        self.rows = self.read()

    def read(self):
        """The lines of the file."""
        rows = {}
        if self.file.exists():
            with self.file.open(newline="") as lines:
                for row in csv.DictReader(lines, delimiter="\t"):
                    key = row["system"], tuple(row["subjects"].split()), int(row["seed"])
                    rows[key] = {name: float(row[name]) if row[name] else None for name in COLUMNS if name not in KEY}
        return rows

    def __contains__(self, key):
        return key in self.rows

    def add(self, key, row):
        # Another run of the bench may have written since.
        self.rows = self.read() | {key: row}
        part = self.file.with_suffix(".part")
        with part.open("w", newline="") as lines:
            writer = csv.writer(lines, delimiter="\t", lineterminator="\n")
            writer.writerow(COLUMNS)
            for (system, words, seed), row in sorted(self.rows.items()):
                writer.writerow([system, " ".join(words), seed, *("" if row[name] is None else f"{row[name]:.6g}" for name in COLUMNS[len(KEY):])])
        part.replace(self.file)

    def print(self, systems):
        """A table for each number of subjects. Only sets and seeds that all the systems there have drawn are counted."""
        for number in sorted({len(words) for _, words, _ in self.rows}):
            rows = {key: row for key, row in self.rows.items() if len(key[1]) == number and key[0] in systems}
            there = [name for name in systems if any(key[0] == name for key in rows)]
            shared = set.intersection(*({key[1:] for key in rows if key[0] == name} for name in there)) if there else set()
            if not shared:
                continue
            print(f"\n{number} {'subject' if number == 1 else 'subjects'}: {len({words for words, _ in shared})} sets, {len(shared)} of sets and seeds, "
                  "in the contexts that are new to the subjects; means, with half of their 95 % interval\n")
            own = {name: [row for key, row in rows.items() if key[0] == name and key[1:] in shared] for name in there}
            kept.table(["system", *HEAD], [[title(name), *(form([row[column] for row in own[name]]) for column, form in FORMS.items())] for name in there])
            self.compare({name: [mean(row[column] for row in own[name]) for column in ("text", "alike")] for name in there})

    @staticmethod
    def compare(points):
        """Of ours, what each method that is trained reaches at the same text alignment: those in boxes among themselves."""
        for name in points:
            ours, _, boxed = parts(name)
            base = points.get("base" + boxed)
            if ours not in OURS or not base:
                continue
            text, alike = points[name]
            reached = {method: most_alike([base, *along], text - SLACK) for method, along in trained(points, boxed).items()}
            if reached:
                print(f"\n{title(name)} is alike {alike:.3f} at text alignment {text:.3f}. There the others reach: "
                      + ", ".join(f"{TITLES[method]} {value:.3f}" for method, value in reached.items()))


def parts(system):
    """`dreambooth-200-boxed` as its method, its steps (0 where it has none) and BOXED or nothing."""
    name = system.removesuffix(BOXED)
    method, _, steps = name.rpartition("-")
    return (method, int(steps), system[len(name):]) if steps.isdigit() else (name, 0, system[len(name):])


def trained(points, boxed):
    """The points of each method that PyTorch trains, drawn in boxes or not, in the order of their steps."""
    along = {}
    for name in points:
        method, steps, where = parts(name)
        if steps and where == boxed:
            along.setdefault(method, []).append((steps, points[name]))
    return {method: [point for _, point in sorted(some)] for method, some in along.items()}


def most_alike(points, text):
    """The most alike that the line through `points` (text alignment, alike), from the base model's on, is where its text alignment is `text` or more: of the
    points themselves, and of where it crosses."""
    reached = [alike for at, alike in points if at >= text]
    for (a, alike), (b, then) in zip(points, points[1:]):
        if min(a, b) < text < max(a, b):
            reached.append(alike + (then - alike) * (text - a) / (b - a))
    return max(reached, default=float("nan"))


def title(system):
    """`dreambooth-200-boxed` as DreamBooth, 200 steps, in boxes."""
    method, steps, boxed = parts(system)
    return ", ".join([TITLES[method], *([f"{steps} steps"] if steps else []), *(["in boxes"] if boxed else [])])


def interval(values):
    """Half of the mean's 95 % interval."""
    return 1.96 * stdev(values) / len(values) ** 0.5


def number(values):
    """One value has no interval."""
    return f"{mean(values):.3f}" + (f" ± {interval(values):.3f}" if len(values) > 1 else "")


def share(values):
    return f"{100 * mean(values):.0f}" + (f" ± {100 * interval(values):.0f} %" if len(values) > 1 else " %")


def kilobytes(values):
    return f"{mean(values) / 1e3:,.1f}" if mean(values) else ""


def seconds(values):
    return f"{mean(values):.0f}" if any(values) else ""


def milliseconds(values):
    known = [value for value in values if value is not None]
    return f"{1e3 * mean(known):.2f}" if known else ""


FORMS = {"text": number, "image": number, "alike": number, "each": share, "recognised": share, "classes": share, "context": share, "taught": number,
         "bytes": kilobytes, "seconds": seconds, "switch": milliseconds}
HEAD = ("text alignment", "image alignment", "alike", "each recognised", "all recognised", "classes right", "context right", "alike where taught",
        "KB a subject", "s to teach", "ms to switch")
OURS = ("ours", "gentle", "tuned")
# The strength at which ours is drawn a second time: the slider of the apps, and no other pack.
GENTLE = 0.7
# The end of a system's name where each subject has a part of the picture for its box.
BOXED = "-boxed"
# Text alignments that differ by less count as equal, in the others' favour: less than these figures tell apart.
SLACK = 0.01
TITLES = {
    "real": "the subjects themselves", "base": "base model", "textual-inversion": "Textual Inversion", "dreambooth": "DreamBooth", "custom-diffusion": "Custom Diffusion", "shira": "SHiRA",
    "paper": "Cones, the paper's procedure", "ours": "**Cones, ours**",
    "gentle": f"**Cones, ours, at strength {GENTLE:g}**", "tuned": "**Cones, ours, tuned together**",
}
