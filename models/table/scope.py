"""Why a mask that was found with scope `prompt` lowers the loss and hardly changes the picture: where its gain comes from.

    cargo xtask bench scope [--subjects dog cat robot]

For each subject a mask is found with scope `trigger` and one with scope `prompt` (the paper's). Each is then put, in PyTorch, on some rows of keys and
values alone: those of the trigger's words, of the words that say where (context), of everything else (start, end and padding), or all.

- Losses, as ratios to the base model's on the same noise: on the pictures that the mask was found from, and on new pictures of the same subject in
  eight contexts (`models/shapes`), also by quarter of the timesteps, most noise first.
- Pictures in the 16 contexts, judged as `cones evaluate` does: with the mask on those rows of the prompt, and of the empty prompt or not.

What is found is kept in target/bench/table.
"""
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

import torch  # noqa: E402

from base import AT_ONCE  # noqa: E402
from bench import Bench, noise, parser  # noqa: E402
from judge import Judge  # noqa: E402
from masked import Mask  # noqa: E402
from paths import ROOT  # noqa: E402
from subjects import read, replaced, subject  # noqa: E402
import kept  # noqa: E402

TRIGGER = "<v1>"
# Draws of noise for each picture, one timestep each, the same for every mask.
DRAWS = 32
ROWS = ("trigger", "context", "rest", "all")


def rows(base, texts, word, which):
    """Marks [texts, tokens] the rows of a kind in each text."""
    ids = base.ids(texts)
    called = torch.isin(ids, torch.tensor([base.token(TRIGGER), base.token(word)]))
    first = torch.arange(ids.shape[1])[None] == 0
    end = torch.cumsum(ids == base.tokenizer.eos_token_id, 1) > 0
    rest = first | end
    marks = {"trigger": called, "rest": rest, "context": ~called & ~rest, "all": torch.ones_like(called)}
    return marks[which]


@torch.no_grad()
def losses(base, latents, texts, mask=None, marks=None):
    """Mean loss in each quarter of the timesteps, most noise first."""
    states, steps = base.text(texts), base.scheduler.config.num_train_timesteps
    sums, each = torch.zeros(4), torch.Generator().manual_seed(5)
    if mask:
        mask.rows = marks
    for draw in range(DRAWS):
        # Timesteps in the middles of even parts, so that every quarter has as many.
        t = torch.full((len(latents),), int((draw + 0.5) * steps / DRAWS))
        spread = torch.randn(latents.shape, generator=each)
        sums[3 - 4 * draw // DRAWS] += base.losses_at(latents, spread, t, states).mean() * 4 / DRAWS
    return sums


def draw(base, prompts, seed, mask=None, marks=None, empty_too=False):
    """Pictures, each prompt from the same noise; the mask counts in the marked rows of the prompts, and in all of the empty one's where `empty_too`."""
    if mask:
        # As the pipeline has them: the empty prompts first, and all prompts at once.
        assert len(prompts) <= AT_ONCE
        mask.rows = torch.cat([torch.full_like(marks, empty_too), marks])
    return base.draw(prompts, [seed] * len(prompts))


def judged(bench, judge, one, pictures):
    found = judge.figures(pictures, [one], *bench.asked([one]))
    return [f"{100 * found['recognised']:.0f} %", f"{found['alike']:.2f}", f"{100 * found['classes']:.0f} %", f"{100 * found['context']:.0f} %"]


def of_subject(bench, judge, word):
    """Rows of the two tables for one subject."""
    base, one = bench.base, subject(word)
    base.restore()
    called = lambda captions: [replaced(caption, word, f"{TRIGGER} {word}") for caption in captions]
    sets = {"its own pictures": (one.pictures, one.captions), "new pictures": read(ROOT / "models/shapes" / one.name)}
    sets = {name: (pictures, called(captions)) for name, (pictures, captions) in sets.items()}
    prompts = called(bench.asked([one])[1])
    latents = {name: base.latents(pictures) for name, (pictures, _) in sets.items()}
    first = {name: losses(base, latents[name], texts) for name, (_, texts) in sets.items()}
    gains, drawn = [], [[word, "none", "", "", *judged(bench, judge, one, draw(base, prompts, noise(0)))]]
    for scope in ("trigger", "prompt"):
        pack, _ = bench.cones.found(one, "learned", scope)
        mask = Mask(base.unet, bench.cones.exported(pack))
        for which in ROWS:
            cells = []
            for name, (_, texts) in sets.items():
                value = losses(base, latents[name], texts, mask, rows(base, texts, word, which))
                cells += [f"{value.sum() / first[name].sum():.3f}", " ".join(f"{ratio:.2f}" for ratio in (value / first[name]).tolist())]
            gains.append([word, scope, which, *cells])
            for empty_too in (False, True) if which == "all" else (False,):
                pictures = draw(base, prompts, noise(0), mask, rows(base, prompts, word, which), empty_too)
                bench.sheet(f"{scope}-on-{which}{'-and-empty' * empty_too}", [word], 0, pictures)
                drawn.append([word, scope, which, "yes" if empty_too else "no", *judged(bench, judge, one, pictures)])
        mask.remove()
    return gains, drawn


def main():
    arguments = parser("scope", __doc__)
    arguments.add_argument("--subjects", nargs="+", default="dog cat robot".split(), choices="dog cat robot owl car".split())
    args = arguments.parse_args()
    torch.set_num_threads(1)
    bench, judge = Bench(args), Judge()
    gains, drawn = zip(*(of_subject(bench, judge, word) for word in args.subjects))
    print("Losses as ratios to the base model's, and by quarter of the timesteps, most noise first\n")
    kept.table(["subject", "found with scope", "rows", "its own pictures", "by quarter", "new pictures", "by quarter"], sum(gains, []))
    print("\nPictures in 16 contexts\n")
    kept.table(["subject", "found with scope", "rows", "the empty prompt's too", "recognised", "alike", "class right", "context right"], sum(drawn, []))


if __name__ == "__main__":
    main()
