"""Trains Toybox's AutoencoderKL: pictures of 128 x 128 to latents of 16 x 16 (factor 8, as Stable Diffusion's).

    python train_vae.py --work WORK --minutes 60          # goes on from WORK/vae.pt when it is there

Most of the time it learns from crops of 64 x 64 with the most edges in them, for plain background teaches little; the last fifth
from whole pictures. The last part of `--minutes`, with `--adversarial`, adds a patch discriminator to the decoder's loss.
A checkpoint is written every minute and when it is told to stop (SIGTERM, Ctrl-C).
"""
import argparse
import random
import time
from pathlib import Path

import torch
import torch.nn as nn
import torch.nn.functional as F
from diffusers import AutoencoderKL

from checkpoint import Checkpoint, Clock, Stop
from fast import DEVICE, autocast, prepare
from world import World, sheet, to_images

CROP = 64
WEIGHT_KL = 2e-4


def config(channels=4):
    return dict(
        in_channels=3, out_channels=3, latent_channels=channels, sample_size=128, norm_num_groups=8,
        block_out_channels=(16, 32, 64, 128), layers_per_block=1, mid_block_add_attention=False,
        down_block_types=("DownEncoderBlock2D",) * 4, up_block_types=("UpDecoderBlock2D",) * 4)


def crops(pictures, count):
    """`count` crops of CROP x CROP, of four at random places in each picture: most of them those with the strongest edges, a quarter
    any, so that plain places keep their colour."""
    found = []
    for _ in range(4):
        y, x = (int(v) // 2 * 2 for v in torch.randint(0, 128 - CROP + 1, (2,)))
        found.append(pictures[..., y:y + CROP, x:x + CROP])
    found = torch.cat(found)
    edges = sum(torch.diff(found, dim=d).abs().mean((1, 2, 3)) for d in (2, 3))
    order = edges.argsort(descending=True)
    sharp = count - count // 4
    rest = order[sharp:][torch.randperm(len(order) - sharp, device=order.device)[:count // 4]]
    return found[torch.cat([order[:sharp], rest])]


class Discriminator(nn.Sequential):
    """Says of each patch of about 30 pixels whether it is real: pix2pix's, small."""

    def __init__(self, width=32):
        super().__init__(
            nn.Conv2d(3, width, 4, 2, 1), nn.LeakyReLU(0.2),
            nn.Conv2d(width, 2 * width, 4, 2, 1, bias=False), nn.GroupNorm(8, 2 * width), nn.LeakyReLU(0.2),
            nn.Conv2d(2 * width, 4 * width, 4, 1, 1, bias=False), nn.GroupNorm(8, 4 * width), nn.LeakyReLU(0.2),
            nn.Conv2d(4 * width, 1, 4, 1, 1))


def reconstruction(y, x):
    """L1 and L2 of the pixels, L1 of their differences at full and half size: edges count more than plain places."""
    loss = F.l1_loss(y, x) + F.mse_loss(y, x)
    for scale in (1, 2):
        a, b = (F.avg_pool2d(v, scale) if scale > 1 else v for v in (y, x))
        loss = loss + 0.5 * sum(F.l1_loss(torch.diff(a, dim=d), torch.diff(b, dim=d)) for d in (2, 3))
    return loss


@torch.no_grad()
def judge(vae, world, path=None):
    """PSNR over whole pictures, and the share of their edges that is kept (1 = as sharp as the original), on unseen compositions."""
    x = world.sample(random.Random(77), 48).pictures.to(DEVICE)
    vae.eval()
    latents = torch.cat([vae.encode(c.contiguous(memory_format=torch.channels_last)).latent_dist.mean for c in x.split(16)])
    y = torch.cat([vae.decode(c).sample.clamp(-1, 1) for c in latents.split(16)])
    vae.train()
    psnr = (10 * torch.log10(4 / ((x - y) ** 2).mean((1, 2, 3)))).mean().item()
    kept = [sum(torch.diff(v, dim=d).abs().mean() for d in (2, 3)) for v in (y, x)]
    if path:
        sheet(to_images(torch.stack([x[:24], y[:24]], 1).flatten(0, 1)), 8).save(path)
    return psnr, (kept[0] / kept[1]).item(), latents.std().item()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--work", required=True, type=Path)
    parser.add_argument("--minutes", type=float, default=60, help="of all runs together; a larger value later goes on")
    parser.add_argument("--batch", type=int, default=2, help="pictures of 128 x 128 that a step holds, or as many pixels in crops")
    parser.add_argument("--lr", type=float, default=1e-3)
    parser.add_argument("--channels", type=int, default=4)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--name", default="vae", help="of the checkpoint and the sheet in WORK")
    parser.add_argument("--decoder-only", action="store_true", help="leave the encoder, and so every latent, as it is")
    parser.add_argument("--adversarial", type=float, default=0.0, help="weight of the patch discriminator")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    torch.manual_seed(0)
    world = World([args.work / "sprites.npz"], DEVICE)
    vae = AutoencoderKL(**config(args.channels))
    # Little noise in the latents at first: otherwise a thousand steps go by before anything is seen through it.
    torch.nn.init.constant_(vae.quant_conv.bias[args.channels:], -5.0)
    prepare(vae)
    optimiser = torch.optim.AdamW(vae.parameters(), args.lr, weight_decay=0.0, betas=(0.9, 0.99))
    critic = prepare(Discriminator())
    critic_optimiser = torch.optim.AdamW(critic.parameters(), 4e-4, weight_decay=0.0, betas=(0.5, 0.99))
    parts = dict(vae=vae, optimiser=optimiser, critic=critic, critic_optimiser=critic_optimiser)
    checkpoint = Checkpoint(args.work / f"{args.name}.pt", parts)
    seen = checkpoint.load()
    if args.decoder_only:
        vae.encoder.requires_grad_(False)
        vae.quant_conv.requires_grad_(False)
    step, pictures, clock = seen.get("step", 0), seen.get("pictures", 0), Clock(seen.get("seconds", 0.0))
    torch.manual_seed(step)
    r, stop, total = random.Random(1000 + step), Stop(), args.minutes * 60
    shown = judged = time.time()
    losses, count = 0.0, 0
    while (spent := clock.look()) < total and not stop:
        whole = spent > 0.8 * total
        lr = args.lr * min(1, (step + 1) / 200) * max(0.02, min(1.0, 2.5 * (1 - spent / total)))
        for group in optimiser.param_groups:
            group["lr"] = lr
        x = world.sample(r, args.batch if whole else 2 * args.batch).pictures
        x = x.to(DEVICE) if whole else crops(x.to(DEVICE), 4 * args.batch)
        x = x.contiguous(memory_format=torch.channels_last)
        with autocast():
            posterior = vae.encode(x).latent_dist
            y = vae.decode(posterior.sample()).sample.float()
        loss = reconstruction(y, x) + WEIGHT_KL * posterior.kl().mean() / x[0].numel()
        if args.adversarial:
            critic.requires_grad_(False)
            with autocast():
                loss = loss - args.adversarial * critic(y).float().mean()
            critic.requires_grad_(True)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(vae.parameters(), 1.0)
        optimiser.step()
        if args.adversarial:
            with autocast():
                real, false = critic(x).float(), critic(y.detach()).float()
            hinge = F.relu(1 - real).mean() + F.relu(1 + false).mean()
            critic_optimiser.zero_grad(set_to_none=True)
            hinge.backward()
            critic_optimiser.step()
        step, count = step + 1, count + 1
        pictures += args.batch
        losses += loss.detach()
        now = time.time()
        if now - shown > 30:
            print(f"vae: {spent / 60:.0f} of {args.minutes:.0f} min, step {step}, {pictures} pictures, loss {losses.item() / count:.4f}, "
                  f"{args.batch * count / (now - shown):.1f} pictures/s", flush=True)
            checkpoint.save(step=step, pictures=pictures, seconds=clock.look(), channels=args.channels)
            shown, losses, count = time.time(), 0.0, 0
        if now - judged > 300:
            psnr, kept, _ = judge(vae, world, args.work / f"{args.name}.png")
            print(f"vae: PSNR {psnr:.2f} dB, edges kept {kept:.3f}", flush=True)
            judged = time.time()
    checkpoint.save(step=step, pictures=pictures, seconds=clock.look(), channels=args.channels)
    psnr, kept, spread = judge(vae, world, args.work / f"{args.name}.png")
    print(f"vae: PSNR {psnr:.2f} dB, edges kept {kept:.3f}, latents' standard deviation {spread:.3f}", flush=True)


if __name__ == "__main__":
    main()
