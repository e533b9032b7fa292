"""SHiRA (Bhardwaj et al., NeurIPS 2024): a fiftieth of the attention layers' weights is trained, and kept as places and values.

The places are those of the greatest |weight · gradient| over some batches (its SNIP mask), over all layers together. Trained on DreamBooth's pictures and loss.
Several subjects are trained one by one, and what each adds to a weight is added up, as it is fused there.
"""
import torch

from examples import Examples
from method import LENGTHS, Learned, fit, modules, with_prior
from method import trigger_and_class as called

RATES = (5e-3, 1e-2, 2e-2, 4e-2)
RATE = 2e-2
JOINT = False
SHARE = 0.02
PROJECTIONS = ("to_q", "to_k", "to_v", "to_out.0")
# Batches by which the places are chosen.
LOOKS = 16


def train(base, subjects, work, rate):
    examples = Examples(base, subjects, called, work)
    layers = modules(base.unet, PROJECTIONS)
    weights = [layer.weight.requires_grad_() for layer in layers.values()]
    loss = lambda: with_prior(base, examples, base.text)
    places = chosen(weights, loss)
    # A gradient outside of the places is nothing, and so is what it changes: no decay.
    hooks = [weight.register_hook(lambda gradient, at=at: gradient * at) for weight, at in zip(weights, places)]
    first = [weight.detach().clone() for weight in weights]
    for seconds in fit(weights, rate, LENGTHS, loss, decay=0):
        tensors = {}
        for name, weight, before, at in zip(layers, weights, first, places):
            index = at.flatten().nonzero().flatten()
            tensors[f"{name}.index"] = index.to(torch.int32)
            tensors[f"{name}.value"] = (weight.detach() - before).flatten()[index].half()
        yield Learned(tensors, sum(value.numel() * value.element_size() for value in tensors.values()), seconds)
    for hook in hooks:
        hook.remove()


def chosen(weights, loss):
    """Masks of the weights that count most."""
    score = [torch.zeros_like(weight) for weight in weights]
    for _ in range(LOOKS):
        for total, gradient, weight in zip(score, torch.autograd.grad(loss(), weights), weights):
            total += (gradient * weight.detach()).abs()
    everything = torch.cat([total.flatten() for total in score])
    least = everything.topk(round(SHARE * len(everything))).values[-1]
    return [(total >= least).float() for total in score]


@torch.no_grad()
def apply(base, tensors):
    layers = modules(base.unet, PROJECTIONS)
    for name, layer in layers.items():
        flat = layer.weight.data.view(-1)
        flat.index_add_(0, tensors[f"{name}.index"].long(), tensors[f"{name}.value"].float())
