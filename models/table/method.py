"""What every method has in common: how long it trains, how it is optimised, and what it leaves behind."""
import time
from dataclasses import dataclass

import torch

# Of cross-attention.
KEYS_AND_VALUES = ("attn2.to_k", "attn2.to_v")
# Steps for each subject after which a method's pictures are drawn, from hardly changed to more than anybody would want; and pictures of the subjects in a
# step (and as many of their classes where a method has them).
LENGTHS, BATCH = (100, 200, 400), 4


@dataclass
class Learned:
    """What a method found: tensors that `apply` of its module takes, the bytes that a phone would have to download, and the processor's seconds it took."""
    tensors: dict
    bytes: int
    seconds: float


def fit(parameters, rate, lengths, loss, decay=1e-2):
    """AdamW as the public scripts have it (diffusers' defaults: betas 0.9 and 0.999, decay 1e-2, norm of gradients at most 1), constant rate.
    Yields after each of `lengths` steps the processor's seconds so far, in which the caller's are not counted."""
    optimiser, seconds = torch.optim.AdamW(parameters, rate, weight_decay=decay), 0.0
    for before, length in zip((0, *lengths), lengths):
        start = time.process_time()
        for _ in range(length - before):
            optimiser.zero_grad(set_to_none=True)
            loss().backward()
            torch.nn.utils.clip_grad_norm_(parameters, 1.0)
            optimiser.step()
        seconds += time.process_time() - start
        yield seconds


def trigger_and_class(subject):
    """What a subject is called in prompts, as `<v1> dog`."""
    return f"{subject.trigger} {subject.word}"


def with_prior(base, examples, states):
    """The loss of a batch of which half are the subjects' pictures and half their classes': both parts count alike (`prior_loss_weight` 1)."""
    latents, texts = examples.batch(BATCH)
    each = base.losses(latents, states(texts))
    return each[:BATCH].mean() + each[BATCH:].mean()


def modules(unet, ends):
    """Linear layers by name, those whose name ends so."""
    return {name: module for name, module in unet.named_modules() if isinstance(module, torch.nn.Linear) and name.endswith(ends)}
