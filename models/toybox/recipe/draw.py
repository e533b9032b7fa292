"""Draws with the weights of a training that is still running: the averaged ones of WORK/unet.pt.

    python draw.py --work WORK --out sheet.png 'a dog on grass' 'a cat, an apple and a car in the snow'
"""
import argparse
from pathlib import Path

import torch
from diffusers import DDIMScheduler
from transformers import CLIPTokenizer

from fast import DEVICE, autocast, prepare
from make_latents import load_vae
from model import SCHEDULER, models
from world import sheet, to_images

PROMPTS = [
    "a dog on grass", "a cat in the snow", "a robot in space", "a penguin on the beach", "a castle in the hills", "a rose on a wooden table",
    "a princess on a stage", "an owl in a forest", "a car on a road", "a hamburger on a yellow background", "a turtle under the sea",
    "a rocket at night", "a dog and a cat on grass", "a clown and a balloon in the street", "a santa and a snowman in the snow",
    "an elephant and a bicycle in a room", "a tiger, a lion and a bear in a forest", "an apple, a banana and a pear on a wooden table",
    "a boy, a girl and a dog on the beach", "a guitar, a drum and a violin on a stage", "a dog, a cat, a rabbit and a fox in a meadow",
    "a car, a bus, a train and a bicycle on a road", "a king crown, a key, a book and a candle on a purple background",
    "a frog, a duck, a crab and a fish in the water"]


class Drawer:
    """Text encoder, U-Net and VAE of one training, as it is now."""

    def __init__(self, work):
        work = Path(work)
        self.tokenizer = CLIPTokenizer.from_pretrained(work / "tokenizer")
        self.vae = prepare(load_vae(work))
        state = torch.load(work / "unet.pt", weights_only=True, map_location="cpu")
        self.numbers = state["numbers"]
        text, unet = models(self.tokenizer, self.vae.config.latent_channels)
        for prefix, model in (("text.", text), ("unet.", unet)):
            averaged = {n[len(prefix):]: p for n, p in state["average"].items() if n.startswith(prefix)}
            missing, unexpected = model.load_state_dict(averaged, strict=False)
            # Buffers such as position ids are not averaged.
            assert not unexpected and not [m for m in missing if "position_ids" not in m], (missing, unexpected)
        self.text, self.unet = text.eval().to(DEVICE), prepare(unet.eval())

    def embed(self, prompts):
        ids = self.tokenizer(prompts, padding="max_length", truncation=True, max_length=self.tokenizer.model_max_length).input_ids
        return self.text(torch.tensor(ids, device=DEVICE)).last_hidden_state

    @torch.no_grad()
    def latents(self, prompts, steps=20, guidance=4.0, seed=0):
        """Unscaled latents of `prompts`, by DDIM."""
        scheduler = DDIMScheduler(**SCHEDULER)
        scheduler.set_timesteps(steps)
        generator = torch.Generator().manual_seed(seed)
        x = torch.randn(len(prompts), self.unet.config.in_channels, 16, 16, generator=generator).to(DEVICE)
        with autocast():
            both = torch.cat([self.embed([""] * len(prompts)), self.embed(list(prompts))])
            for t in scheduler.timesteps:
                out = self.unet(torch.cat([x, x]).contiguous(memory_format=torch.channels_last), t, both).sample.float()
                without, with_prompt = out.chunk(2)
                x = scheduler.step(without + guidance * (with_prompt - without), t, x).prev_sample
        return x / self.numbers["scale"]

    @torch.no_grad()
    def pictures(self, latents):
        return torch.cat([self.vae.decode(c).sample.clamp(-1, 1) for c in latents.split(16)])


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("prompts", nargs="*", default=PROMPTS)
    parser.add_argument("--work", required=True)
    parser.add_argument("--out", required=True)
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--guidance", type=float, default=3.0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--columns", type=int, default=6)
    args = parser.parse_args()
    torch.set_num_threads(1)
    drawer = Drawer(args.work)
    drawn = drawer.pictures(drawer.latents(args.prompts, args.steps, args.guidance, args.seed))
    sheet(to_images(drawn), args.columns).save(args.out)


if __name__ == "__main__":
    main()
