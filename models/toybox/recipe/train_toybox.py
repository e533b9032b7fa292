"""Trains Toybox's text encoder and U-Net together, from scratch, on the latents of `make_latents.py`.

    python train_toybox.py --work WORK --minutes 95          # resumes from WORK/toybox.pt when it is there

`--minutes` is the whole training time, earlier runs included; the learning rate falls over the last 40 % of it.
A larger value later goes on from the checkpoint.
"""
import argparse
import os
import time
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from diffusers import DDIMScheduler, UNet2DConditionModel
from diffusers.models.attention_processor import AttnProcessor
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer

import world
from next_recipe import fast

TEXT_WIDTH = 192
UNET = dict(
    sample_size=world.SIZE // 4, in_channels=4, out_channels=4, block_out_channels=(64, 128, 192), layers_per_block=1,
    down_block_types=("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
    up_block_types=("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
    cross_attention_dim=TEXT_WIDTH, attention_head_dim=4, norm_num_groups=16,
)
if world.LARGE:
    # One level more for twice the size, and few enough weights for pipeline and bundle to stay under 60 MB together.
    UNET |= dict(
        block_out_channels=(48, 80, 128, 192), down_block_types=("DownBlock2D",) + 3 * ("CrossAttnDownBlock2D",),
        up_block_types=3 * ("CrossAttnUpBlock2D",) + ("UpBlock2D",))
# A longer schedule than Stable Diffusion's: at 16x16 latents its last step would still show the mean colour.
SCHEDULER = dict(
    num_train_timesteps=1000, beta_schedule="scaled_linear", beta_start=0.00085, beta_end=0.02,
    prediction_type="v_prediction", clip_sample=False, set_alpha_to_one=False, steps_offset=1,
    timestep_spacing="trailing",
)
MIN_SNR = 5.0


def models(tokenizer):
    text = CLIPTextModel(CLIPTextConfig(
        vocab_size=len(tokenizer), hidden_size=TEXT_WIDTH, intermediate_size=3 * TEXT_WIDTH, projection_dim=TEXT_WIDTH,
        num_hidden_layers=3, num_attention_heads=4, max_position_embeddings=tokenizer.model_max_length,
        bos_token_id=tokenizer.bos_token_id, eos_token_id=tokenizer.eos_token_id, pad_token_id=tokenizer.pad_token_id))
    # CLIP's own initialisation (std 0.02 for every embedding) starts the words too close together.
    torch.nn.init.normal_(text.get_input_embeddings().weight, std=0.1)
    unet = UNet2DConditionModel(**UNET)
    unet.set_attn_processor(AttnProcessor())
    return text, unet


class Pool:
    """All shards so far, in memory; looks for new ones now and then."""

    def __init__(self, folder):
        self.folder, self.names, self.latents, self.ids = Path(folder), [], [], []
        self.refresh()

    def refresh(self):
        for path in sorted(self.folder.glob("[0-9]*.npz")):
            if path.name not in self.names and ".part" not in path.name:
                with np.load(path) as shard:
                    self.latents.append(torch.from_numpy(shard["latents"]))
                    self.ids.append(torch.from_numpy(shard["ids"].astype(np.int64)))
                self.names.append(path.name)

    def scale(self):
        """diffusers' `scaling_factor`: one over the latents' standard deviation, from the first shard."""
        return 1.0 / self.latents[0].float().std().item()

    def batch(self, count):
        shard = torch.randint(len(self.latents), (count,)).tolist()
        row = torch.randint(len(self.latents[0]), (count,)).tolist()
        return (torch.stack([self.latents[s][i] for s, i in zip(shard, row)]).float().to(fast.DEVICE),
                torch.stack([self.ids[s][i] for s, i in zip(shard, row)]).to(fast.DEVICE))


def loss_of(text, unet, scheduler, latents, ids):
    noise = torch.randn_like(latents)
    t = torch.randint(0, 1000, (len(latents),), device=fast.DEVICE)
    noisy = scheduler.add_noise(latents, noise, t)
    target = scheduler.get_velocity(latents, noise, t)
    with fast.autocast():
        embeddings = text(ids).last_hidden_state
        out = unet(noisy.contiguous(memory_format=torch.channels_last), t, embeddings).sample
    alphas = scheduler.alphas_cumprod.to(fast.DEVICE)[t]
    snr = alphas / (1 - alphas)
    weight = snr.clamp(max=MIN_SNR) / (snr + 1) + 0.1
    return (weight * F.mse_loss(out.float(), target, reduction="none").mean((1, 2, 3))).mean()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--work", required=True)
    parser.add_argument("--minutes", type=float, default=95)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--lr", type=float, default=6e-4)
    args = parser.parse_args()
    torch.set_num_threads(1)
    work = Path(args.work)
    tokenizer = CLIPTokenizer.from_pretrained(work / "tokenizer")
    torch.manual_seed(0)
    text, unet = models(tokenizer)
    fast.prepare(unet)
    text.to(fast.DEVICE)
    scheduler = DDIMScheduler(**SCHEDULER)
    pool = Pool(work / "latents")
    named = {f"text.{n}": p for n, p in text.named_parameters()} | {f"unet.{n}": p for n, p in unet.named_parameters()}
    parameters = list(named.values())
    optimiser = torch.optim.AdamW(parameters, args.lr, weight_decay=0.01, betas=(0.9, 0.99), fused=True)
    average = [p.detach().clone() for p in parameters]
    step, before, pictures, scale = 0, 0.0, 0, pool.scale()
    checkpoint = work / "toybox.pt"
    if checkpoint.exists():
        state = torch.load(checkpoint, weights_only=True, map_location=fast.DEVICE)
        text.load_state_dict(state["text"])
        unet.load_state_dict(state["unet"])
        optimiser.load_state_dict(state["optimiser"])
        average = [state["average"][n] for n in named]
        step, before, pictures, scale = state["step"], state["seconds"], state["pictures"], state["scale"]
        torch.manual_seed(step)
    start, total = time.time(), args.minutes * 60

    def save():
        part = checkpoint.with_suffix(".part")
        torch.save(dict(text=text.state_dict(), unet=unet.state_dict(), optimiser=optimiser.state_dict(),
                        average=dict(zip(named, average)), step=step, pictures=pictures, scale=scale,
                        seconds=before + time.time() - start), part)
        os.replace(part, checkpoint)

    running, shown, saved = 0.0, start, start
    while (spent := before + time.time() - start) < total:
        lr = args.lr * min(1, (step + 1) / 300) * max(0.02, min(1.0, (1 - spent / total) / 0.4))
        for group in optimiser.param_groups:
            group["lr"] = lr
        latents, ids = pool.batch(args.batch)
        loss = loss_of(text, unet, scheduler, latents * scale, ids)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        optimiser.step()
        step += 1
        pictures += args.batch
        running += loss.item()
        if step % 4 == 0:
            torch._foreach_lerp_(average, [p.detach() for p in parameters], 1 - min(0.998, step / (step + 100)))
        if step % 100 == 0:
            now = time.time()
            pool.refresh()
            print(f"step {step} pictures {pictures} loss {running / 100:.4f} lr {lr:.2e} "
                  f"pictures/s {100 * args.batch / (now - shown):.1f} shards {len(pool.names)}", flush=True)
            shown, running = now, 0.0
            if now - saved > 300:
                save()
                saved = now
    save()


if __name__ == "__main__":
    main()
