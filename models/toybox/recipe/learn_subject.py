"""Learns a concept mask for one subject by straight-through gradients, in PyTorch: the example packs of `models/packs`.

    python learn_subject.py --pipeline PIPELINE --subject ../../subjects/fluent-dog --out masks

A logit for each K/V weight; the forward pass shuts the weights whose logit fell below zero, the backward pass takes the
sigmoid's slope, and a pressure on the share of shut weights keeps the mask sparse. Pictures of the class that the model
draws itself keep the class (prior preservation). The desktop tool will do this on the device's own graph; this script
shows that the masks the runtime applies are real ones.
"""
import argparse
import hashlib
import json
import struct
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from diffusers import StableDiffusionPipeline
from diffusers.models.attention_processor import AttnProcessor
from PIL import Image
from safetensors.numpy import save_file

import fast
from captions import caption
from contexts import CONTEXTS


class MaskedLinear(torch.nn.Module):
    """A bias-free projection whose weights can be shut."""

    def __init__(self, linear):
        super().__init__()
        self.weight = linear.weight.detach().clone()
        self.logit = torch.nn.Parameter(torch.full_like(self.weight, 2.0))

    def forward(self, x):
        keep = torch.sigmoid(self.logit)
        hard = (keep > 0.5).float() + keep - keep.detach()
        return F.linear(x, self.weight * hard)


def put_masks(unet):
    """Replaces attn2's to_k and to_v in forward order; returns them by name."""
    order = {"down": 0, "mid_": 1, "up_b": 2}
    names = [n for n, m in unet.named_modules() if n.endswith(("attn2.to_k", "attn2.to_v"))]
    masked = {}
    for name in sorted(names, key=lambda n: order[n[:4]]):
        parent, leaf = name.rsplit(".", 1)
        layer = MaskedLinear(getattr(unet.get_submodule(parent), leaf))
        setattr(unet.get_submodule(parent), leaf, layer)
        masked[name] = layer
    return masked


def fingerprint(masked):
    """As `cones_core::fingerprint`."""
    digest = hashlib.sha256()
    for name, layer in masked.items():
        rows, columns = layer.weight.shape
        digest.update(struct.pack("<I", len(name)) + name.encode() + struct.pack("<II", rows, columns))
        digest.update(layer.weight.half().numpy().tobytes())
    return digest.hexdigest()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--pipeline", required=True)
    parser.add_argument("--subject", required=True)
    parser.add_argument("--out", required=True)
    parser.add_argument("--trigger", default="<v1>")
    parser.add_argument("--steps", type=int, default=400)
    parser.add_argument("--pressure", type=float, default=0.1)
    args = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    subject = json.loads((Path(args.subject) / "subject.json").read_text())
    word = subject["class"]
    pipeline = StableDiffusionPipeline.from_pretrained(args.pipeline, torch_dtype=torch.float32)
    pipeline.set_progress_bar_config(disable=True)
    scheduler, vae, unet = pipeline.scheduler, pipeline.vae, pipeline.unet.requires_grad_(False)

    def encode(pictures):
        x = torch.from_numpy(np.stack([np.asarray(p.convert("RGB")) for p in pictures])).permute(0, 3, 1, 2)
        with torch.no_grad():
            return vae.encode(x.float() / 127.5 - 1).latent_dist.mean * vae.config.scaling_factor

    def embed(texts):
        ids = pipeline.tokenizer(texts, padding="max_length", truncation=True,
                                 max_length=pipeline.tokenizer.model_max_length, return_tensors="pt").input_ids
        with torch.no_grad():
            return pipeline.text_encoder(ids)[0]

    own = encode([Image.open(Path(args.subject) / n) for n in subject["captions"]])
    own_text = embed([t.replace(f"a {word}", f"a {args.trigger} {word}").replace(f"an {word}", f"a {args.trigger} {word}")
                      for t in subject["captions"].values()])
    class_prompts = [caption([word], CONTEXTS[i % len(CONTEXTS)]) for i in range(16)]
    prior = encode(pipeline(class_prompts, num_inference_steps=20, guidance_scale=3.0).images)
    prior_text = embed(class_prompts)

    masked = put_masks(unet)
    unet.set_attn_processor(AttnProcessor())
    fast.prepare(unet, "cpu")
    logits = [layer.logit for layer in masked.values()]
    total = sum(l.numel() for l in logits)
    optimiser = torch.optim.Adam(logits, 0.2)
    for step in range(args.steps):
        for group in optimiser.param_groups:
            group["lr"] = 0.2 * min(1.0, 2 * (1 - step / args.steps))
        i, j = torch.randint(len(own), (12,)), torch.randint(len(prior), (4,))
        latents, text = torch.cat([own[i], prior[j]]), torch.cat([own_text[i], prior_text[j]])
        noise, t = torch.randn_like(latents), torch.randint(0, 1000, (len(latents),))
        with torch.autocast("cpu", torch.bfloat16):
            out = unet(scheduler.add_noise(latents, noise, t).contiguous(memory_format=torch.channels_last), t, text).sample
        target = scheduler.get_velocity(latents, noise, t)
        share = sum((1 - torch.sigmoid(l)).sum() for l in logits) / total
        loss = F.mse_loss(out.float(), target) + args.pressure * share
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        optimiser.step()
        if step % 50 == 49:
            shut = sum((l <= 0).sum().item() for l in logits)
            print(f"step {step + 1} loss {loss.item():.4f} shut {shut} of {total} ({100 * shut / total:.2f} %)", flush=True)

    tensors = {n: (l.logit.detach().flatten() <= 0).nonzero().flatten().to(torch.int32).numpy() for n, l in masked.items()}
    Path(args.out).mkdir(parents=True, exist_ok=True)
    path = Path(args.out) / f"{subject['name']}.safetensors"
    save_file(tensors, path, metadata={
        "name": subject["name"], "trigger": f"{args.trigger} {word}", "class": word, "scope": "prompt",
        "licence": subject["licence"], "fingerprint": fingerprint(masked)})
    print(path, path.stat().st_size, "bytes")


if __name__ == "__main__":
    main()
