"""DreamBooth (Ruiz et al. 2023), after diffusers' `train_dreambooth.py` with prior preservation: every weight of the U-Net is trained.

The trigger stands before the class word, and the text encoder stays as it is (the script's default). Several subjects are trained together from the base
model, with as many steps for each as one alone has.
"""
import torch

from examples import Examples
from method import LENGTHS, Learned, fit, with_prior
from method import trigger_and_class as called

RATES = (5e-6, 2e-5, 5e-5, 1e-4, 2e-4)
RATE = 5e-5
JOINT = True


def train(base, subjects, work, rate):
    examples = Examples(base, subjects, called, work)
    parameters = list(base.unet.requires_grad_().parameters())
    with torch.no_grad():
        states = {text: state for text, state in known(base, examples)}
    loss = lambda: with_prior(base, examples, lambda texts: torch.stack([states[t] for t in texts]))
    for seconds in fit(parameters, rate, [length * len(subjects) for length in LENGTHS], loss):
        tensors = {name: value.detach().half() for name, value in base.unet.state_dict().items()}
        yield Learned(tensors, sum(2 * value.numel() for value in tensors.values()), seconds)


def known(base, examples):
    """Hidden states of every caption, which do not change."""
    texts = sorted({*examples.own[1], *examples.prior[1]})
    return zip(texts, base.text(texts))


def apply(base, tensors):
    base.unet.load_state_dict({name: value.float() for name, value in tensors.items()})
