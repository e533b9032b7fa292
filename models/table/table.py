"""The paper's table, measured: text and image alignment of 1, 2, 3 and 4 subjects in a picture, by six ways of teaching a model a subject.

    cargo xtask bench table [--systems dreambooth ours …] [--together 1 2 3 4] [--sets N] [--seeds 0 1 2] [--only-print] [--again]
    cargo xtask bench table --search dreambooth         # tries a method's learning rates on two other subjects
    cargo xtask bench table --sheets FOLDER             # pictures to look at: a row for each system, of what has been drawn

Each system is trained on the subjects' six pictures, and draws them in the 16 contexts with each seed; README.md here says how each is trained and
what is measured. Hours long and resumable: what is measured stands in `models/table/figures.tsv`, a line for each system, set of subjects and seed, and is not
measured again; weights and pictures are kept in target/bench/table. Ctrl-C loses the picture set that is being drawn. `--sets` takes the first so many sets of each
number. A system that PyTorch trains stands there once for each number of steps, as `dreambooth-200`.
"""
import itertools
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

import numpy as np  # noqa: E402
import torch  # noqa: E402
from PIL import Image  # noqa: E402

from bench import Bench, drawn_file, parser  # noqa: E402
from prompts import KINDS  # noqa: E402
from figures import Figures  # noqa: E402
from judge import Judge  # noqa: E402
from method import LENGTHS  # noqa: E402
from subjects import TOGETHER, TRIED, subject, taught  # noqa: E402
from systems import METHODS, SYSTEMS  # noqa: E402
from world import sheet  # noqa: E402


def asked():
    arguments = parser("table", __doc__)
    arguments.add_argument("--systems", nargs="+", choices=SYSTEMS, default=list(SYSTEMS))
    arguments.add_argument("--together", nargs="+", type=int, choices=TOGETHER, default=list(TOGETHER), help="subjects in a picture")
    arguments.add_argument("--sets", type=int, default=8, help="sets of subjects of each number")
    arguments.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    arguments.add_argument("--threads", type=int, default=1, help="of PyTorch; `cones` takes one")
    arguments.add_argument("--search", choices=METHODS, help="try this method's learning rates")
    arguments.add_argument("--only-print", action="store_true", help="the table of what is there")
    arguments.add_argument("--sheets", type=Path, help="a folder for pictures of what has been drawn, one for each set")
    arguments.add_argument("--again", action="store_true", help="measure anew what is asked for")
    return arguments.parse_args()


def search(bench, judge, method):
    """Figures of the base model and of each learning rate after each number of steps, on subjects that are in no figure of the table."""
    print("| learning rate | steps | text | image | alike | recognised | class right | seconds |\n|---|---|---|---|---|---|---|---|")
    for rate, length in [(None, None), *itertools.product(method.RATES, LENGTHS)]:
        rows = []
        for word in TRIED:
            one = [subject(word)]
            if rate is None:
                pictures, seconds = SYSTEMS["base"].run(bench, one, 0).pictures, 0
            else:
                learned = bench.trained(method, one, length, rate)
                pictures, seconds = bench.drawn(method, one, [learned.tensors], 0), learned.seconds
            rows.append(judge.figures(pictures, one, *bench.asked(one)) | dict(seconds=seconds))
        mean = {key: sum(row[key] for row in rows) / len(rows) for key in rows[0]}
        print(f"| {f'{rate:g}' if rate else 'base model'} | {length or ''} | {mean['text']:.3f} | {mean['image']:.3f} | {mean['alike']:.3f} | "
              f"{mean['recognised']:.0%} | {mean['classes']:.0%} | {mean['seconds']:.0f} |", flush=True)


def sets(args):
    """The words of each set of subjects that is asked for."""
    return [tuple(words) for number in args.together for words in TOGETHER[number][:args.sets]]


def measure(args, bench, judge, figures):
    jobs = [(system, words, seed) for seed in args.seeds for words in sets(args) for system in args.systems if len(words) > 1 or SYSTEMS[system].for_one]
    jobs = [job for job in jobs if args.again or job not in figures]
    start = time.monotonic()
    for done, (system, words, seed) in enumerate(jobs):
        left = f", about {(time.monotonic() - start) / done * (len(jobs) - done) / 60:.0f} minutes to go" if done else ""
        print(f"{done + 1} of {len(jobs)}: {system}, {' '.join(words)}, seed {seed}{left}", file=sys.stderr, flush=True)
        chosen = [subject(word) for word in words]
        drawn = bench.kept(system, words, seed, lambda: SYSTEMS[system].run(bench, chosen, seed), args.again)
        row = judge.figures(drawn.pictures, chosen, *bench.asked(chosen))
        figures.add((system, words, seed), row | dict(bytes=drawn.bytes, seconds=drawn.seconds, switch=drawn.switch))


def sheets(args):
    """For each set a picture with a row for each system that has drawn it, in eight contexts that are new to the subjects."""
    args.sheets.mkdir(parents=True, exist_ok=True)
    for words in sets(args):
        known = taught([subject(word) for word in words])
        shown = [i for i, kind in enumerate(KINDS) if kind not in known][:8]
        files = [drawn_file(args.work / "table", system, words, args.seeds[0]) for system in args.systems]
        rows = [np.load(file)["pictures"][shown] for file in files if file.exists()]
        if rows:
            pictures = [Image.fromarray(picture) for row in rows for picture in row]
            sheet(pictures, len(shown)).save(args.sheets / f"{'-'.join(words)}.webp", quality=85)


def main():
    args = asked()
    if args.sheets:
        sheets(args)
        return
    torch.set_num_threads(args.threads)
    figures = Figures()
    if not args.only_print:
        bench = Bench(args)
        judge = Judge()
        if args.search:
            search(bench, judge, METHODS[args.search])
            return
        measure(args, bench, judge, figures)
    figures.print(args.systems)


if __name__ == "__main__":
    main()
