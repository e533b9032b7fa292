"""Measures how well Toybox draws what a prompt asks for, while it trains or after.

    python evaluate.py --work WORK [--guidance 3] [--count 240]

The judge is a small classifier on the VAE's latents (which class is seen at each place, or none; which context), trained on the
pool of `make_latents.py` but its first shard, on which its own accuracy is printed first. Drawn pictures are decoded and encoded
again before they are judged. A line of JSON goes to WORK/figures.jsonl, a sheet of pictures to WORK/drawn.png.
"""
import argparse
import json
import random
import time
from pathlib import Path

import numpy as np
import torch
import torch.nn as nn

from captions import WORDS, caption
from contexts import CONTEXTS, SCENES
from draw import PROMPTS, Drawer
from fast import DEVICE, prepare
from guides import standing
from judging import loss_of, present, right
from train_unet import UNSEEN
from world import sheet, to_images


# Of real pictures with one, two, three and four things, the share in which the judge has to find all of them before it is believed as
# it is.
GOOD = 0.95


class Block(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.body = nn.Sequential(
            nn.BatchNorm2d(width), nn.ReLU(), nn.Conv2d(width, width, 3, padding=1),
            nn.BatchNorm2d(width), nn.ReLU(), nn.Conv2d(width, width, 3, padding=1))

    def forward(self, x):
        return x + self.body(x)


class Classifier(nn.Module):
    """What is seen at each of 8 x 8 places, and the context. Told by the place, it learns in minutes what it does not begin to learn
    from which of 254 classes a picture holds somewhere."""

    def __init__(self, channels):
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(channels, 96, 3, padding=1), Block(96),
            nn.Conv2d(96, 192, 3, padding=1, stride=2), Block(192), Block(192), Block(192), nn.BatchNorm2d(192), nn.ReLU())
        # The last is no thing.
        self.objects = nn.Conv2d(192, len(WORDS) + 1, 1)
        self.context = nn.Linear(192, len(CONTEXTS))

    def forward(self, x):
        """Logits: (n, classes and none, 8, 8), and of contexts."""
        h = self.body(x)
        return self.objects(h), self.context(h.mean((2, 3)))

    def present(self, x):
        """How much of each class is there, 0 where it is just enough, (n, classes); and logits of contexts."""
        places, context = self(x)
        return present(places), context


def seen_at(labels, shown):
    """The class that is seen at each of 8 x 8 places, `len(WORDS)` where none is."""
    slots = standing(shown, 8)
    classes = labels[:, :4, None, None].expand(-1, -1, *slots.shape[1:])
    return torch.where(slots < 0, len(WORDS), classes.gather(1, slots.clamp_min(0)[:, None])[:, 0])


class Judge:
    """The classifier with the scale of the latents that it was trained on."""

    def __init__(self, work, minutes):
        self.path, folder = Path(work) / "judge.pt", Path(work) / "latents"
        shards = sorted(p for p in folder.glob("[0-9]*.npz") if ".part" not in p.name)
        if len(shards) < 2:
            raise SystemExit(f"{folder} holds fewer than two shards: run make_latents.py first")
        self.unseen = np.load(folder / UNSEEN)
        self.scale = 1 / self.unseen["latents"].astype(np.float32).std()
        self.model = prepare(Classifier(self.unseen["latents"].shape[1]))
        self.own = None
        if self.path.exists():
            try:
                self.model.load_state_dict(torch.load(self.path, weights_only=True, map_location=DEVICE))
            except RuntimeError:
                print(f"judge: {self.path} is from before the recipe changed, it learns anew", flush=True)
            else:
                self.own = self.own_accuracy()
        # One that cannot tell real things tells nothing of drawn ones: it learns on, from more shards each hour, until it can.
        if self.own is None or min(self.own.values()) < GOOD:
            self.train([s for s in shards if s.name != UNSEEN], minutes)
            torch.save(self.model.state_dict(), self.path)
            self.own = self.own_accuracy()

    def train(self, shards, minutes):
        """Trains for so many minutes of the processor: beside other work the clock runs on without it."""
        self.model.train()
        pools = [np.load(p) for p in shards]
        latents = torch.from_numpy(np.concatenate([p["latents"] for p in pools]))
        labels = torch.from_numpy(np.concatenate([p["labels"] for p in pools]).astype(np.int64))
        shown = torch.from_numpy(np.concatenate([p["shown"] for p in pools]))
        optimiser = torch.optim.AdamW(self.model.parameters(), 2e-3, weight_decay=0.01)
        clock = time.process_time if DEVICE.type == "cpu" else time.time
        start, budget, step = clock(), minutes * 60, 0
        while (spent := clock() - start) < budget:
            for group in optimiser.param_groups:
                group["lr"] = 2e-3 * max(0.02, 1 - spent / budget)
            rows = torch.randint(len(latents), (64,))
            x = latents[rows].float().to(DEVICE) * float(self.scale)
            # Noise, so that it judges what is drawn and not how exactly.
            x = x + 0.3 * torch.rand(len(x), 1, 1, 1, device=DEVICE) * torch.randn_like(x)
            wanted, places = labels[rows].to(DEVICE), seen_at(labels[rows], shown[rows]).to(DEVICE)
            loss = loss_of(self.model, x, places, wanted[:, 4])
            optimiser.zero_grad(set_to_none=True)
            loss.backward()
            optimiser.step()
            step += 1
            if step % 500 == 0:
                print(f"judge: {spent / 60:.1f} of {minutes:.0f} min, loss {loss.item():.3f}", flush=True)

    @torch.no_grad()
    def scores(self, latents):
        out = [self.model.present(c.float().to(DEVICE) * float(self.scale)) for c in latents.split(128)]
        return torch.cat([o for o, _ in out]).cpu(), torch.cat([c for _, c in out]).argmax(1).cpu()

    def own_accuracy(self):
        """On real compositions that it has not seen: share right by number of things, share of contexts right."""
        self.model.eval()
        scores, contexts = self.scores(torch.from_numpy(self.unseen["latents"][:2048]))
        labels = self.unseen["labels"][:2048]
        return share_right(scores, [[w for w in row[:4] if w >= 0] for row in labels]) | {
            "context": round(float((contexts.numpy() == labels[:, 4]).mean()), 4)}


def share_right(scores, wanted):
    """By number of things asked for: the share of pictures whose highest scores are exactly those, each more likely there than not."""
    rows = {}
    for s, w in zip(scores, wanted):
        rows.setdefault(str(len(w)), []).append(right(s, w))
    return {n: round(float(np.mean(r)), 4) for n, r in sorted(rows.items())}


def asked(count):
    """`count` prompts, as many with one thing as with two, three, four: [(numbers of classes, context, prompt)]."""
    r = random.Random(4242)
    out = []
    for i in range(count):
        words = r.sample(WORDS, 1 + i % 4)
        kind = r.choice(list(SCENES)) if r.random() < 0.6 else r.choice(CONTEXTS[len(SCENES):])
        out.append(([WORDS.index(w) for w in words], kind, caption(words, kind)))
    return out


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--work", required=True, type=Path)
    parser.add_argument("--minutes", type=float, default=12, help="of the processor, to train the judge while it is not good")
    parser.add_argument("--guidance", type=float, nargs="*", default=[3.0])
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--count", type=int, default=240)
    parser.add_argument("--batch", type=int, default=24)
    args = parser.parse_args()
    torch.set_num_threads(1)
    judge = Judge(args.work, args.minutes)
    own = judge.own
    print(f"judge on real compositions: {json.dumps(own)}", flush=True)
    if not (args.work / "unet.pt").exists():
        return
    drawer, prompts = Drawer(args.work), asked(args.count)
    for guidance in args.guidance:
        again = []
        for start in range(0, args.count, args.batch):
            texts = [p for _, _, p in prompts[start:start + args.batch]]
            pictures = drawer.pictures(drawer.latents(texts, args.steps, guidance, seed=start))
            with torch.no_grad():
                again.append(drawer.vae.encode(pictures).latent_dist.mean)
        scores, contexts = judge.scores(torch.cat(again))
        right = share_right(scores, [w for w, _, _ in prompts])
        context = float(np.mean([CONTEXTS[c] == kind for c, (_, kind, _) in zip(contexts, prompts)]))
        figures = dict(pictures=drawer.numbers["pictures"], hours=round(drawer.numbers["seconds"] / 3600, 3), guidance=guidance,
                       steps=args.steps, right=right, context=round(context, 4), judge=own)
        print(json.dumps(figures), flush=True)
        with open(args.work / "figures.jsonl", "a") as file:
            file.write(json.dumps(figures) + "\n")
    drawn = drawer.pictures(drawer.latents(PROMPTS, args.steps, args.guidance[-1]))
    sheet(to_images(drawn), 6).save(args.work / "drawn.png")


if __name__ == "__main__":
    main()
