"""Ways of finding neurons side by side: held-out losses, pictures recognised, seconds and size, over subjects and seeds.

    cargo xtask bench find [--subjects dog cat ...] [--seeds 0 1 2] [--ways learned/trigger ...] [--steps N] [--count N]
                           [-- --precision float32 ...]

Each finding and each evaluation is kept in target/bench/find, so that an interrupted run goes on, and a run with more
subjects or seeds adds to what is there. The base model's own figures come from the same runs. Standard library only.
"""
import argparse
import json
import sys
from pathlib import Path
from statistics import mean

import kept
from kept import ROOT, run

SUBJECTS = "dog cat robot owl car fox mushroom penguin".split()
WAYS = [f"{method}/{scope}" for scope in ("trigger", "prompt") for method in ("learned", "adaptive", "accumulate", "finetune")]
# A pack of every weight with a factor is no list of neurons, and is evaluated the same way.


def find(args, way, seed, word):
    folder = args.work / "find" / f"{args.steps}-{way.replace('/', '-')}{args.label}" / str(seed)
    folder.mkdir(parents=True, exist_ok=True)
    method, scope = way.split("/")
    pack = folder / f"fluent-{word}.cones"
    options = ["--bundle", str(args.bundle), "--threads", str(args.threads), "--quiet", "--json"]
    found = run([args.cones, "find", "--images", ROOT / f"models/subjects/fluent-{word}", "--class", word, "--method", method,
                 "--scope", scope, "--seed", str(seed), "--steps", str(args.steps), "--examples", args.work / "find" / "examples",
                 "--show", "0", "--out", pack, *args.options, *options], folder / f"{word}.found.json")
    return dict(found=found, judged=judge(args, word, pack, folder, options), bytes=pack.stat().st_size)


def judge(args, word, pack, folder, options):
    """Scores of the pack and of the base model, whose pictures are the same for every pack of the subject."""
    base = args.work / "find" / f"base-{args.count}" / f"{word}.json"
    evaluate = [args.cones, "evaluate", "--packs", pack, "--count", str(args.count), *options]
    judged = run(evaluate + ["--no-base"] * base.exists(), folder / f"{word}.judged-{args.count}.json")[0]
    if not base.exists():
        base.parent.mkdir(parents=True, exist_ok=True)
        base.write_text(json.dumps(judged["base"]))
    return {"base": json.loads(base.read_text()), **judged}


def table(head, rows):
    kept.table(head, rows)
    print(flush=True)


def percent(values):
    values = [v for v in values if v is not None]
    return f"{100 * mean(values):.1f} %" if values else "-"


def change(runs, part):
    """Mean held-out loss as a ratio to the base model's in the same run."""
    return f"{mean(r['found']['chosen'][part] / r['found']['base'][part] for r in runs):.3f}"


def summary(runs, side, judged):
    alike = [r["judged"][side].get("alike") for r in judged]
    alike = "-" if None in alike else f"{mean(alike):.2f}"
    each, *text = (percent([r["judged"][side][k] for r in judged]) for k in ("each", "objects", "context"))
    return [each, alike, *text]


def mark(runs, which):
    marks = [m[which] for r in runs for m in r["judged"].get("marks", []) if m[which] is not None]
    return f"{mean(marks):.2f}" if marks else "-"


def by_way(results):
    rows = []
    for way, runs in results.items():
        seconds = mean(r["found"]["seconds"]["steps"] for r in runs)
        rows.append([way, len(runs), percent([r["found"]["share"] for r in runs]), *(change(runs, p) for p in ("subject", "class", "other")),
                     *summary(runs, "with", runs), f"{seconds:.0f} s", f"{mean(r['bytes'] for r in runs) / 1024:.1f} KiB"])
    everything = [r for runs in results.values() for r in runs]
    rows.append(["base model", len(everything), "-", "1", "1", "1", *summary(everything, "base", everything), "-", "-"])
    print("Losses are ratios to the base model's; recognised: of all drawings of the class the subject is the nearest; alike:"
          f" cosine with the nearest real picture, others {mark(everything, 'others')}, real {mark(everything, 'real')}\n")
    table(["way", "runs", "share shut", "subject loss", "class loss", "others' loss", "recognised", "alike", "thing right", "context right",
           "steps took", "pack"], rows)


def by_subject(results):
    for way, runs in results.items():
        print(f"{way}: recognised by subject, base model and pack\n")
        words = sorted({r["word"] for r in runs})
        of = lambda word, side: percent([r["judged"][side]["each"] for r in runs if r["word"] == word])
        share = lambda word: percent([r["found"]["share"] for r in runs if r["word"] == word])
        table(["subject", "base", "pack", "share shut"], [[w, of(w, "base"), of(w, "with"), share(w)] for w in words])


def curves(results):
    for way, runs in results.items():
        points = {}
        for r in runs:
            for p in r["found"]["curve"]:
                points.setdefault(round(100 * p["share"], 1), []).append((p["losses"], r["found"]["base"]))
        ladder = [s for s in sorted(points) if len(points[s]) >= len(runs)]
        if len(ladder) < 2:
            continue
        print(f"{way}: held-out losses by share, as ratios to the base model's\n")
        ratio = lambda s, part: f"{mean(l[part] / b[part] for l, b in points[s]):.3f}"
        table(["share shut", "subject", "class", "others"],
              [[f"{s} %", ratio(s, "subject"), ratio(s, "class"), ratio(s, "other")] for s in ladder])


def precisions(results):
    for way, runs in results.items():
        runs = [r for r in runs if r["found"].get("factors")]
        if runs:
            print(f"{way}: the same neurons in other precisions, subject's loss as a ratio to the base model's\n")
            names = [n for n, _ in runs[0]["found"]["factors"]["by_precision"]]
            of = lambda i, part: f"{mean(r['found']['factors']['by_precision'][i][1][part] / r['found']['base'][part] for r in runs):.3f}"
            table(["precision", "subject", "class", "others"],
                  [[n, *(of(i, p) for p in ("subject", "class", "other"))] for i, n in enumerate(names)])


def main():
    parser = argparse.ArgumentParser(prog="cargo xtask bench find")
    parser.add_argument("find", nargs="?")
    parser.add_argument("--cones", required=True, help=argparse.SUPPRESS)
    parser.add_argument("--work", required=True, type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--bundle", type=Path, default=ROOT / "models/toybox/bundle")
    parser.add_argument("--subjects", nargs="+", default=SUBJECTS)
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--ways", nargs="+", default=WAYS)
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--count", type=int, default=2, help="pictures of each of the 16 contexts")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--label", default="", help="keeps runs with other options apart")
    parser.add_argument("--only-there", action="store_true", help="tables of the runs that are there, without new ones")
    parser.epilog = "Behind -- stand further options of `cones find`."
    # argparse gives what stands behind `--` to the first positional argument.
    end = sys.argv.index("--") if "--" in sys.argv else len(sys.argv)
    args = parser.parse_args(sys.argv[1:end])
    args.options = sys.argv[end + 1:]
    results = {}
    for seed in args.seeds:
        for word in args.subjects:
            for way in args.ways:
                there = args.work / "find" / f"{args.steps}-{way.replace('/', '-')}{args.label}" / str(seed) / f"{word}.judged-{args.count}.json"
                if args.only_there and not there.exists():
                    continue
                print(f"{way}, {word}, seed {seed}", file=sys.stderr, flush=True)
                results.setdefault(way, []).append(dict(find(args, way, seed, word), word=word))
    by_way(results)
    by_subject(results)
    curves(results)
    precisions(results)


if __name__ == "__main__":
    main()
