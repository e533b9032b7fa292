"""Trains Toybox's text encoder and U-Net together, from scratch, on the latents of `make_latents.py`.

    python train_unet.py --work WORK --minutes 600          # goes on from WORK/unet.pt when it is there

`--minutes` is the whole training time, earlier runs included; the learning rate falls over the last 30 % of it. A larger value later
goes on from the checkpoint. A checkpoint is written every `--every` seconds and when it is told to stop (SIGTERM, Ctrl-C).
"""
import argparse
import functools
import math
import time
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from diffusers import DDIMScheduler
from transformers import CLIPTokenizer

import guides
from checkpoint import Checkpoint, Clock, Stop
from fast import DEVICE, autocast, prepare
from make_latents import load_vae
from model import SCHEDULER, TEXT_WIDTH, models
import together

# Where most timesteps are drawn, by the natural logarithm of the signal-to-noise ratio: around a quarter, by a normal density of this
# spread; and how often any other is drawn, against the one drawn most.
MIDDLE, SPREAD, ANYWHERE = np.log(0.25), 1.6, 0.1
# Of the guides beside the loss.
WEIGHT_WHERE, WEIGHT_LOOK = 0.03, 0.1


# Never trained on: the trainer's own measure, and what the judge of `evaluate.py` is held against.
UNSEEN = "0000.npz"


class Pool:
    """All shards so far but the unseen one, in memory; looks for new ones now and then."""

    def __init__(self, folder):
        self.folder, self.names, self.shards = Path(folder), [], []
        self.refresh()
        if not self.names:
            raise SystemExit(f"{folder} holds no shard of latents beside {UNSEEN} yet: run make_latents.py first")

    @staticmethod
    def read(path):
        """What `make_latents.py` wrote, on the device."""
        with np.load(path) as shard:
            if "shown" not in shard:
                raise SystemExit(f"{path} is from before the recipe changed: move the folder away")
            wide = {"ids": np.int64, "labels": np.int64}
            return {name: torch.from_numpy(shard[name].astype(wide.get(name, shard[name].dtype))).to(DEVICE)
                    for name in ("latents", "ids", "labels", "owners", "shown")}

    def refresh(self):
        for path in sorted(self.folder.glob("[0-9]*.npz")):
            if path.name not in self.names and path.name != UNSEEN and ".part" not in path.name:
                self.shards.append(self.read(path))
                self.names.append(path.name)

    def scale(self):
        """diffusers' `scaling_factor`: one over the latents' standard deviation, from the first shard."""
        return 1.0 / self.shards[0]["latents"].float().std().item()

    def batch(self, count):
        """`count` examples, from as many shards as there are by chance."""
        per = torch.bincount(torch.randint(len(self.shards), (count,)), minlength=len(self.shards)).tolist()
        chosen = [(self.shards[i], torch.randint(len(self.shards[i]["ids"]), (n,), device=DEVICE)) for i, n in enumerate(per) if n]
        return {name: torch.cat([shard[name][rows] for shard, rows in chosen]) for name in self.shards[0]}


class Step:
    """One batch's loss: v-prediction, at timesteps that are mostly those where words decide.

    Min-SNR's weights, which it had for its first 701,000 pictures, spend two thirds of all pictures where the picture shows through
    the noise, and what is drawn can be made out without a caption. Of the equal parts of the weights' sum each picture of a batch
    takes one.
    """

    def __init__(self, text, unet, scale):
        self.text, self.unet, self.scale = text, unet, scale
        self.alphas = DDIMScheduler(**SCHEDULER).alphas_cumprod.to(DEVICE)
        snr = self.alphas / (1 - self.alphas)
        weights = (-(snr.log() - MIDDLE).square() / (2 * SPREAD ** 2)).exp() + ANYWHERE
        self.shares = (weights / weights.sum()).cumsum(0)

    def timesteps(self, count):
        # In any order: a batch's rows stand by shard.
        places = (torch.randperm(count, device=DEVICE) + torch.rand(count, device=DEVICE)) / count
        return torch.searchsorted(self.shares, places).clamp(max=len(self.shares) - 1)

    def __call__(self, batch):
        """The loss, and the text encoder's states."""
        latents = batch["latents"].float() * self.scale
        noise = torch.randn_like(latents)
        t = self.timesteps(len(latents))
        signal = self.alphas[t].sqrt()[:, None, None, None]
        spread = (1 - self.alphas[t]).sqrt()[:, None, None, None]
        noisy = signal * latents + spread * noise
        target = signal * noise - spread * latents
        with autocast():
            embeddings = self.text(batch["ids"]).last_hidden_state
            out = self.unet(noisy.contiguous(memory_format=torch.channels_last), t, embeddings).sample
        return F.mse_loss(out.float(), target), embeddings


class Average:
    """The running mean of all weights, which is what is drawn with; it forgets over about two thousand steps."""

    def __init__(self, named):
        self.named = named
        self.values = {n: p.detach().clone() for n, p in named.items()}

    def update(self, step, every):
        rate = 1 - min(0.9995 ** every, step / (step + 100))
        torch._foreach_lerp_(list(self.values.values()), [p.detach() for p in self.named.values()], rate)

    def state_dict(self):
        return self.values

    def load_state_dict(self, state):
        for name, value in self.values.items():
            value.copy_(state[name])

    @contextmanager
    def in_place(self):
        """Inside, the weights are the averages."""
        trained = {n: p.detach().clone() for n, p in self.named.items()}
        with torch.no_grad():
            for name, p in self.named.items():
                p.copy_(self.values[name])
            yield
            for name, p in self.named.items():
                p.copy_(trained[name])


def unseen_loss(loss_of, average, shard, count=256, size=32):
    """The averages' loss on the unseen shard, always of the same pictures, noise and timesteps: what tells one recipe from another."""
    with average.in_place(), torch.random.fork_rng():
        torch.manual_seed(7)
        losses = [loss_of({name: values[i:i + size] for name, values in shard.items()})[0].item()
                  for _ in range(2) for i in range(0, count, size)]
    return float(np.mean(losses))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--work", required=True, type=Path)
    parser.add_argument("--minutes", type=float, default=600)
    parser.add_argument("--until", type=float, help="minutes at which this run ends, if before `--minutes`")
    parser.add_argument("--batch", type=int, default=32, help="pictures of a step, of each process")
    parser.add_argument("--processes", type=int, default=1, help="as many cores are used")
    parser.add_argument("--lr", type=float, default=1.5e-3)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--every", type=float, default=120, help="seconds between checkpoints")
    parser.add_argument("--measure", type=float, default=600, help="seconds between measures on the unseen shard")
    parser.add_argument("--compile", action="store_true", help="torch.compile, for a GPU")
    args = parser.parse_args()
    together.run(functools.partial(train, args), args.processes)


def train(args, others):
    """The training of one process; the first of them keeps time, writes checkpoints and says how far it is."""
    torch.set_num_threads(args.threads)
    tokenizer = CLIPTokenizer.from_pretrained(args.work / "tokenizer")
    torch.manual_seed(0)
    pool = Pool(args.work / "latents")
    unseen = pool.read(pool.folder / UNSEEN)
    text, unet = models(tokenizer, unseen["latents"].shape[1])
    prepare(unet)
    text.to(DEVICE)
    watched = guides.watch(unet)
    table = guides.looks(args.work, prepare(load_vae(args.work)))
    head = torch.nn.Linear(TEXT_WIDTH, table.shape[1]).to(DEVICE)
    named = {f"text.{n}": p for n, p in text.named_parameters()} | {f"unet.{n}": p for n, p in unet.named_parameters()}
    parameters = [*named.values(), *head.parameters()]
    optimiser = torch.optim.AdamW(parameters, args.lr, weight_decay=0.01, betas=(0.9, 0.99), fused=True)
    average = Average(named)
    checkpoint = Checkpoint(args.work / "unet.pt", dict(text=text, unet=unet, head=head, optimiser=optimiser, average=average))
    seen = checkpoint.load()
    step, pictures, clock = seen.get("step", 0), seen.get("pictures", 0), Clock(seen.get("seconds", 0.0), others.count)
    scale = seen.get("scale") or pool.scale()
    torch.manual_seed(step * others.count + others.rank)
    loss_of = Step(text, torch.compile(unet) if args.compile else unet, scale)
    stop, total = Stop(), args.minutes * 60

    def save():
        checkpoint.save(step=step, pictures=pictures, scale=scale, seconds=clock.look())

    shown = saved = measured = time.time()
    losses, count = torch.zeros(3, device=DEVICE), 0
    end = min(total, 60 * args.until) if args.until else total
    while True:
        spent = others.say(math.inf if stop else clock.look())
        if spent >= end:
            break
        lr = args.lr * min(1, (step + 1) / 300) * max(0.02, min(1.0, (1 - spent / total) / 0.3))
        for group in optimiser.param_groups:
            group["lr"] = lr
        batch = pool.batch(args.batch)
        loss, states = loss_of(batch)
        where = guides.attention_loss(watched, batch["owners"], batch["shown"])
        look = guides.look_loss(head, states, batch["owners"], batch["labels"], table)
        optimiser.zero_grad(set_to_none=True)
        (loss + WEIGHT_WHERE * where + WEIGHT_LOOK * look).backward()
        others.mean(parameters)
        torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        optimiser.step()
        step, count, pictures = step + 1, count + 1, pictures + args.batch * others.count
        losses += torch.stack([loss, where, look]).detach()
        if step % 100 == 0:
            pool.refresh()
        if others.rank:
            continue
        if step % 4 == 0:
            average.update(step, 4)
        now = time.time()
        if now - shown > 30:
            mean, where, look = (losses / count).tolist()
            print(f"unet: {spent / 60:.0f} of {args.minutes:.0f} min, step {step}, {pictures} pictures, loss {mean:.4f}, "
                  f"where {where:.3f}, look {look:.3f}, lr {lr:.1e}, {args.batch * others.count * count / (now - shown):.1f} pictures/s, {len(pool.names)} shards", flush=True)
            shown, losses, count = now, torch.zeros(3, device=DEVICE), 0
        if now - saved > args.every:
            save()
            saved = now
        if now - measured > args.measure:
            print(f"unseen: step {step}, {pictures} pictures, loss {unseen_loss(loss_of, average, unseen):.4f}", flush=True)
            measured = now
    if others.rank == 0 and step > seen.get("step", 0):
        save()


if __name__ == "__main__":
    main()
