"""Measures how well Toybox draws what a prompt asks for, by a small classifier trained on the same world.

    python evaluate.py --npm NODE_MODULES --work WORK --pipeline PIPELINE [--guidance 4]

The classifier (objects present: one yes/no answer for each class; context: one of 16) is trained once, kept in WORK, and its own
accuracy on compositions it has not seen is printed first. Prompts are new random combinations: 100 with one object,
100 with two.
"""
import argparse
import json
import time
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

import world
from classifier import WORDS, Classifier

WIDTHS = (32, 64, 128, 192)


def examples(r, sprites, keys, count):
    pictures, objects, contexts = [], np.zeros((count, len(WORDS)), np.float32), []
    for i in range(count):
        kind = world.context(r)
        chosen = r.sample(WORDS, r.choice([1, 1, 2, 2, 3]))
        items = [r.choice([k for k in keys if k[1] == w]) for w in chosen]
        pictures.append(np.asarray(world.compose(r, sprites, items, kind)))
        contexts.append(world.CONTEXTS.index(kind))
        for w in chosen:
            objects[i, WORDS.index(w)] = 1
    return as_input(np.stack(pictures)), torch.from_numpy(objects), torch.tensor(contexts)


def as_input(pictures):
    return torch.from_numpy(pictures.copy()).permute(0, 3, 1, 2).float() / 127.5 - 1


def soften(x):
    """Blur and noise, so that the classifier judges what is drawn and not how crisply."""
    if torch.rand(()) < 0.5:
        size = x.shape[-1]
        x = F.interpolate(F.interpolate(x, size=int(torch.randint(7 * size // 16, size, ())), mode="bilinear", antialias=True),
                          size=size, mode="bilinear")
    return x + 0.05 * torch.rand(()) * torch.randn_like(x)


def train(model, sprites, keys, minutes):
    torch.manual_seed(int(time.time()))
    model, r = model.train().to(memory_format=torch.channels_last), world.seeded(time.time())
    optimiser = torch.optim.AdamW(model.parameters(), 2e-3)
    start, budget, step = time.time(), minutes * 60, 0
    while (spent := time.time() - start) < budget:
        for group in optimiser.param_groups:
            group["lr"] = 2e-3 * max(0.02, 1 - spent / budget)
        x, objects, contexts = examples(r, sprites, keys, 64)
        with torch.autocast("cpu", torch.bfloat16):
            o, c = model(soften(x).contiguous(memory_format=torch.channels_last))
        loss = F.binary_cross_entropy_with_logits(o.float(), objects) * 10 + F.cross_entropy(c.float(), contexts)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        optimiser.step()
        step += 1
        if step % 100 == 0:
            print(f"classifier step {step} loss {loss.item():.3f}", flush=True)


@torch.no_grad()
def judge(model, x):
    """Class scores and most likely context of each picture."""
    out = [model(c) for c in x.split(50)]
    return torch.cat([o for o, _ in out]), torch.cat([c for _, c in out]).argmax(1)


def right(scores, wanted):
    """Every wanted object is among the top scores, as many as are wanted, and more likely there than not."""
    top = scores.topk(len(wanted)).indices.tolist()
    return set(top) == {WORDS.index(w) for w in wanted} and all(scores[i] > 0 for i in top)


def prompts(r, count):
    out = []
    for i in range(count):
        words, kind = r.sample(WORDS, 1 if i < count // 2 else 2), world.context(r)
        out.append((words, kind, world.caption(words, kind)))
    return out


def draw(folder, texts, steps, guidance):
    from diffusers import StableDiffusionPipeline
    pipeline = StableDiffusionPipeline.from_pretrained(folder, torch_dtype=torch.float32)
    pipeline.set_progress_bar_config(disable=True)
    pictures = []
    for start in range(0, len(texts), 20):
        generator = torch.Generator().manual_seed(start)
        pictures += pipeline(texts[start:start + 20], num_inference_steps=steps, guidance_scale=guidance,
                             generator=generator).images
    return pictures


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--npm", required=True)
    parser.add_argument("--work", required=True)
    parser.add_argument("--pipeline")
    parser.add_argument("--minutes", type=float, default=15, help="training of the classifier, if there is none yet")
    parser.add_argument("--more", type=float, default=0, help="minutes that an existing classifier is trained on")
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--guidance", type=float, nargs="*", default=[4.0])
    parser.add_argument("--count", type=int, default=200)
    args = parser.parse_args()
    torch.set_num_threads(1)
    work = Path(args.work)
    sprites = world.load_sprites(args.npm, work / "sprites.pkl")
    keys = world.training_keys(sprites)
    kept, model, minutes = work / "classifier.pt", Classifier(WIDTHS), args.minutes
    if kept.exists():
        model.load_state_dict(torch.load(kept, weights_only=True))
        minutes = args.more
    if minutes:
        train(model, sprites, keys, minutes)
        torch.save(model.state_dict(), kept)
    model.eval()
    x, objects, contexts = examples(world.seeded(999), sprites, keys, 600)
    scores, seen = judge(model, x)
    wanted = [[WORDS[i] for i in row.nonzero().flatten()] for row in objects]
    for n in (1, 2, 3):
        rows = [right(s, w) for s, w in zip(scores, wanted) if len(w) == n]
        print(f"classifier on real compositions: {n} object(s) right {100 * np.mean(rows):.1f} % of {len(rows)}")
    print(f"classifier on real compositions: context right {100 * (seen == contexts).float().mean():.1f} %")
    if not args.pipeline:
        return
    asked = prompts(world.seeded(4242), args.count)
    for guidance in args.guidance:
        pictures = draw(args.pipeline, [t for _, _, t in asked], args.steps, guidance)
        scores, seen = judge(model, as_input(np.stack([np.asarray(p) for p in pictures])))
        result = dict(guidance=guidance, steps=args.steps)
        for n, name in ((1, "one object"), (2, "both objects")):
            rows = [right(s, w) for s, (w, _, _) in zip(scores, asked) if len(w) == n]
            result[name] = round(100 * float(np.mean(rows)), 1)
        result["context"] = round(100 * float(np.mean([world.CONTEXTS[c] == k for c, (_, k, _) in zip(seen, asked)])), 1)
        print(json.dumps(result), flush=True)
        half = args.count // 2
        world.sheet(pictures[:24] + pictures[half:half + 24], 12, 2).save(work / f"evaluated-{guidance}.png")


if __name__ == "__main__":
    main()
