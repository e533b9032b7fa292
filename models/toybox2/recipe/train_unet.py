"""Trains Toybox 2's text encoder and U-Net together, from scratch, on the latents of `make_latents.py`.

    python train_unet.py --work WORK --minutes 600          # goes on from WORK/unet.pt when it is there

`--minutes` is the whole training time, earlier runs included; the learning rate falls over the last 30 % of it. A larger value later
goes on from the checkpoint. A checkpoint is written every `--every` seconds and when it is told to stop (SIGTERM, Ctrl-C).
"""
import argparse
import time
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from diffusers import DDIMScheduler
from transformers import CLIPTokenizer

from checkpoint import Checkpoint, Clock, Stop
from fast import DEVICE, autocast, prepare
from model import SCHEDULER, models

MIN_SNR = 5.0


# Never trained on: the trainer's own measure, and what the judge of `evaluate.py` is held against.
UNSEEN = "0000.npz"


class Pool:
    """All shards so far but the unseen one, in memory; looks for new ones now and then."""

    def __init__(self, folder):
        self.folder, self.names, self.latents, self.ids = Path(folder), [], [], []
        self.refresh()
        if not self.names:
            raise SystemExit(f"{folder} holds no shard of latents beside {UNSEEN} yet: run make_latents.py first")

    def refresh(self):
        for path in sorted(self.folder.glob("[0-9]*.npz")):
            if path.name not in self.names and path.name != UNSEEN and ".part" not in path.name:
                with np.load(path) as shard:
                    self.latents.append(torch.from_numpy(shard["latents"]).to(DEVICE))
                    self.ids.append(torch.from_numpy(shard["ids"].astype(np.int64)).to(DEVICE))
                self.names.append(path.name)

    def scale(self):
        """diffusers' `scaling_factor`: one over the latents' standard deviation, from the first shard."""
        return 1.0 / self.latents[0].float().std().item()

    def batch(self, count):
        """`count` latents and token ids, from as many shards as there are by chance."""
        per = torch.bincount(torch.randint(len(self.latents), (count,)), minlength=len(self.latents)).tolist()
        rows = [torch.randint(len(self.latents[0]), (n,), device=DEVICE) for n in per]
        chosen = [i for i, n in enumerate(per) if n]
        return (torch.cat([self.latents[i][rows[i]] for i in chosen]).float(), torch.cat([self.ids[i][rows[i]] for i in chosen]))


class Step:
    """One batch's loss: v-prediction, weighted by the signal-to-noise ratio (Min-SNR) so that no timestep rules."""

    def __init__(self, text, unet):
        self.text, self.unet = text, unet
        self.alphas = DDIMScheduler(**SCHEDULER).alphas_cumprod.to(DEVICE)

    def __call__(self, latents, ids):
        noise = torch.randn_like(latents)
        t = torch.randint(0, len(self.alphas), (len(latents),), device=DEVICE)
        signal = self.alphas[t].sqrt()[:, None, None, None]
        spread = (1 - self.alphas[t]).sqrt()[:, None, None, None]
        noisy = signal * latents + spread * noise
        target = signal * noise - spread * latents
        with autocast():
            embeddings = self.text(ids).last_hidden_state
            out = self.unet(noisy.contiguous(memory_format=torch.channels_last), t, embeddings).sample
        snr = self.alphas[t] / (1 - self.alphas[t])
        weight = snr.clamp(max=MIN_SNR) / (snr + 1) + 0.1
        return (weight * F.mse_loss(out.float(), target, reduction="none").mean((1, 2, 3))).mean()


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


def unseen_loss(loss_of, average, folder, scale, count=256, batch=32):
    """The averages' loss on the unseen shard, always of the same pictures, noise and timesteps: what tells one recipe from another."""
    with np.load(Path(folder) / UNSEEN) as shard:
        latents = torch.from_numpy(shard["latents"][:count]).float().to(DEVICE) * scale
        ids = torch.from_numpy(shard["ids"][:count].astype(np.int64)).to(DEVICE)
    with average.in_place(), torch.random.fork_rng():
        torch.manual_seed(7)
        losses = [loss_of(x, i).item() for _ in range(2) for x, i in zip(latents.split(batch), ids.split(batch))]
    return float(np.mean(losses))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--work", required=True, type=Path)
    parser.add_argument("--minutes", type=float, default=600)
    parser.add_argument("--until", type=float, help="minutes at which this run ends, if before `--minutes`")
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--lr", type=float, default=1.2e-3)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--every", type=float, default=120, help="seconds between checkpoints")
    parser.add_argument("--measure", type=float, default=600, help="seconds between measures on the unseen shard")
    parser.add_argument("--compile", action="store_true", help="torch.compile, for a GPU")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    tokenizer = CLIPTokenizer.from_pretrained(args.work / "tokenizer")
    torch.manual_seed(0)
    pool = Pool(args.work / "latents")
    text, unet = models(tokenizer, pool.latents[0].shape[1])
    prepare(unet)
    text.to(DEVICE)
    named = {f"text.{n}": p for n, p in text.named_parameters()} | {f"unet.{n}": p for n, p in unet.named_parameters()}
    parameters = list(named.values())
    optimiser = torch.optim.AdamW(parameters, args.lr, weight_decay=0.01, betas=(0.9, 0.99), fused=True)
    average = Average(named)
    checkpoint = Checkpoint(args.work / "unet.pt", dict(text=text, unet=unet, optimiser=optimiser, average=average))
    seen = checkpoint.load()
    step, pictures, clock = seen.get("step", 0), seen.get("pictures", 0), Clock(seen.get("seconds", 0.0))
    scale = seen.get("scale") or pool.scale()
    torch.manual_seed(step)
    loss_of = Step(text, torch.compile(unet) if args.compile else unet)
    stop, total = Stop(), args.minutes * 60

    def save():
        checkpoint.save(step=step, pictures=pictures, scale=scale, seconds=clock.look())

    shown = saved = measured = time.time()
    losses, count = 0.0, 0
    end = min(total, 60 * args.until) if args.until else total
    while (spent := clock.look()) < end and not stop:
        lr = args.lr * min(1, (step + 1) / 300) * max(0.02, min(1.0, (1 - spent / total) / 0.3))
        for group in optimiser.param_groups:
            group["lr"] = lr
        latents, ids = pool.batch(args.batch)
        loss = loss_of(latents * scale, ids)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        optimiser.step()
        step, count, pictures = step + 1, count + 1, pictures + args.batch
        losses += loss.detach()
        if step % 4 == 0:
            average.update(step, 4)
        now = time.time()
        if now - shown > 30:
            pool.refresh()
            print(f"unet: {spent / 60:.0f} of {args.minutes:.0f} min, step {step}, {pictures} pictures, loss {losses.item() / count:.4f}, "
                  f"lr {lr:.1e}, {args.batch * count / (now - shown):.1f} pictures/s, {len(pool.names)} shards", flush=True)
            shown, losses, count = now, 0.0, 0
        if now - saved > args.every:
            save()
            saved = now
        if now - measured > args.measure:
            print(f"unseen: step {step}, {pictures} pictures, loss {unseen_loss(loss_of, average, pool.folder, scale):.4f}", flush=True)
            measured = now
    if step > seen.get("step", 0):
        save()


if __name__ == "__main__":
    main()
