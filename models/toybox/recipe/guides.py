"""What the world knows and a caption does not say, told to Toybox while it trains: where each thing stands, and roughly what each
class looks like. Without it, 60,000 pictures taught the U-Net all contexts and not one class: of what a single word changes in a
picture, little can be seen through the noise before the word can be drawn at all.

Stable Diffusion begins with a text encoder that has seen pictures (CLIP); this is the small world's stand-in. Nothing of it is in the
model that comes out.
"""
import os
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from diffusers.models.attention_processor import AttnProcessor

from captions import WORDS
from fast import DEVICE, autocast

# Places of a look, across and down.
PLACES = 4


class Watched(AttnProcessor):
    """diffusers' plain attention, which keeps its probabilities: (n, places, tokens), the mean over the heads."""

    def __call__(self, attn, hidden_states, encoder_hidden_states=None, attention_mask=None, temb=None):
        query, key, value = (attn.head_to_batch_dim(v) for v in (
            attn.to_q(hidden_states), attn.to_k(encoder_hidden_states), attn.to_v(encoder_hidden_states)))
        probabilities = attn.get_attention_scores(query, key, attention_mask)
        self.seen = probabilities.unflatten(0, (-1, attn.heads)).mean(1)
        return attn.to_out[1](attn.to_out[0](attn.batch_to_head_dim(torch.bmm(probabilities, value))))


def watch(unet):
    """Puts `Watched` into every cross-attention of `unet` and returns them."""
    processors = {n: Watched() if n.endswith("attn2.processor") else p for n, p in unet.attn_processors.items()}
    # It empties the one that it is given.
    unet.set_attn_processor(dict(processors))
    return [p for p in processors.values() if type(p) is Watched]


def standing(shown, across):
    """What stands in the middle of each of `across` x `across` places: (n, across, across), numbers of things as in `shown`."""
    apart = shown.shape[-1] // across
    return shown[:, apart // 2::apart, apart // 2::apart].long()


def attention_loss(watched, owners, shown):
    """How far attention is from looking at the words of the thing that stands there, and at no thing's where none does.

    `owners`, (n, tokens), and `shown`, (n, 16, 16), are as `make_latents.py` writes them; rows without a caption count nothing. The mean
    of minus the logarithm of the probability of the right words, things and background alike."""
    rows = (owners >= 0).any(1)
    owners, shown = owners[rows], shown[rows]
    # (n, 5, tokens): the words of each thing, and all others.
    words = torch.stack([owners == k for k in range(4)] + [owners < 0], 1).float()
    total = 0.0
    for processor in watched:
        seen = processor.seen[rows].float()
        at = standing(shown, int(seen.shape[1] ** 0.5)).flatten(1)
        share = torch.bmm(seen, words.transpose(1, 2)).gather(2, torch.where(at < 0, 4, at)[..., None])[..., 0]
        worse = -share.clamp_min(1e-4).log()
        thing = at >= 0
        total = total + 0.5 * (worse[thing].mean() + worse[~thing].mean())
    return total / len(watched)


def looks(work, vae):
    """What each class looks like: (classes, numbers), each number's mean over the classes 0 and its deviation 1. Of all its drawings
    on grey, the VAE's latents in PLACES x PLACES places."""
    path = Path(work) / "looks.npy"
    if not path.exists():
        with np.load(Path(work) / "sprites.npz") as file:
            words = [str(key).split("/")[1] for key in file["keys"]]
            sprites = torch.from_numpy(file["sprites"]).permute(0, 3, 1, 2)
        found = []
        for part in sprites.split(32):
            colour, alpha = part[:, :3].float(), part[:, 3:].float() / 255
            x = (colour + 127.5 * (1 - alpha)) / 127.5 - 1
            with torch.no_grad(), autocast():
                mean = vae.encode(x.to(DEVICE, memory_format=torch.channels_last)).latent_dist.mean
            found.append(F.adaptive_avg_pool2d(mean.float(), PLACES).flatten(1).cpu())
        found, words = torch.cat(found), np.array(words)
        each = torch.stack([found[torch.from_numpy(words == word)].mean(0) for word in WORDS])
        part = path.with_name(f"{path.name}.{os.getpid()}.part")
        with open(part, "wb") as file:
            np.save(file, ((each - each.mean(0)) / each.std(0)).numpy())
        os.replace(part, path)
    return torch.from_numpy(np.load(path)).to(DEVICE)


def look_loss(head, states, owners, labels, table):
    """How far `head` is from reading a class's look out of the text encoder's state at the last of its words.

    `states`, (n, tokens, width); `labels`, (n, 5)."""
    wrong = []
    for thing in range(4):
        said = owners == thing
        rows = said.any(1)
        if rows.any():
            last = said.shape[1] - 1 - said[rows].flip(1).int().argmax(1)
            found = head(states[rows, last].float())
            wrong.append(F.mse_loss(found, table[labels[rows, thing]], reduction="none").mean(1))
    return torch.cat(wrong).mean()
