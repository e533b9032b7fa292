"""Trains Toybox's AutoencoderKL: pictures to latents of 4 channels and a quarter of the size. Resumable; stops after --minutes.

    python train_vae.py --npm NODE_MODULES --work WORK --minutes 12
"""
import argparse
import time
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from diffusers import AutoencoderKL

import world
from next_recipe import fast

CONFIG = dict(
    in_channels=3, out_channels=3, latent_channels=4, sample_size=world.SIZE, norm_num_groups=16,
    block_out_channels=(32, 64, 64), layers_per_block=1,
    down_block_types=("DownEncoderBlock2D",) * 3, up_block_types=("UpDecoderBlock2D",) * 3,
)


def batch(r, sprites, keys, count):
    pictures = [np.asarray(world.sample(r, sprites, keys)[0]) for _ in range(count)]
    x = torch.from_numpy(np.stack(pictures)).permute(0, 3, 1, 2).float() / 127.5 - 1
    return x.to(fast.DEVICE).contiguous(memory_format=torch.channels_last)


def loss_of(vae, x, kl_weight):
    with fast.autocast():
        posterior = vae.encode(x).latent_dist
        y = vae.decode(posterior.sample()).sample
    y = y.float()
    edges = sum(F.l1_loss(torch.diff(y, dim=d), torch.diff(x, dim=d)) for d in (2, 3))
    return F.l1_loss(y, x) + F.mse_loss(y, x) + 0.5 * edges + kl_weight * posterior.kl().mean() / x[0].numel()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--npm", required=True)
    parser.add_argument("--work", required=True)
    parser.add_argument("--minutes", type=float, default=12)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--lr", type=float, default=1e-3)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--decoder-only", action="store_true",
                        help="keep the encoder, and so every latent, as it is; the U-Net may already be training")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    work = Path(args.work)
    work.mkdir(parents=True, exist_ok=True)
    sprites = world.load_sprites(args.npm, work / "sprites.pkl")
    # Held-out artwork stays out here too: the whole base model has never seen it.
    keys = world.training_keys(sprites)
    torch.manual_seed(0)
    vae = fast.prepare(AutoencoderKL(**CONFIG))
    optimiser = torch.optim.AdamW(vae.parameters(), args.lr, weight_decay=0.0, betas=(0.9, 0.99))
    step, seconds = 0, 0.0
    checkpoint = work / "vae.pt"
    if checkpoint.exists():
        state = torch.load(checkpoint, weights_only=True, map_location=fast.DEVICE)
        vae.load_state_dict(state["vae"])
        optimiser.load_state_dict(state["optimiser"])
        step, seconds = state["step"], state["seconds"]
    if args.decoder_only:
        vae.encoder.requires_grad_(False)
        vae.quant_conv.requires_grad_(False)
    r = world.seeded(1000 + step)
    budget, start = args.minutes * 60, time.time()
    shown, total = start, 0.0
    while (spent := time.time() - start) < budget:
        for group in optimiser.param_groups:
            group["lr"] = args.lr * min(1, (step + 1) / 100) * max(0.02, min(1.0, 2 * (1 - spent / budget)))
        loss = loss_of(vae, batch(r, sprites, keys, args.batch), 1e-3)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(vae.parameters(), 1.0)
        optimiser.step()
        step += 1
        total += loss.item()
        if step % 100 == 0:
            now = time.time()
            print(f"step {step} loss {total / 100:.4f} pictures/s {100 * args.batch / (now - shown):.1f}", flush=True)
            shown, total = now, 0.0
    torch.save(dict(vae=vae.state_dict(), optimiser=optimiser.state_dict(), step=step,
                    seconds=seconds + time.time() - start), checkpoint)
    vae.eval()
    with torch.no_grad():
        x = batch(world.seeded(7), sprites, list(sprites), 64)
        latent = torch.cat([vae.encode(c).latent_dist.mean for c in x.split(16)])
        y = torch.cat([vae.decode(c).sample.clamp(-1, 1) for c in latent.split(16)])
        psnr = (10 * torch.log10(4 / ((x - y) ** 2).mean((1, 2, 3)))).mean()
        print(f"PSNR {psnr:.2f} dB, latent std {latent.std():.4f}, by channel {latent.std((0, 2, 3))}")
        both = torch.stack([x[:32], y[:32]], 1).flatten(0, 1)
        both = ((both.permute(0, 2, 3, 1) + 1) * 127.5).round().byte().cpu().numpy()
        world.sheet([world.Image.fromarray(b) for b in both], 16, 2).save(work / "vae.png")


if __name__ == "__main__":
    main()
