"""Custom Diffusion (Kumari et al. 2023), after diffusers' `train_custom_diffusion.py`: keys and values of cross-attention and the trigger's embedding.

Regularised by pictures of the class that the base model draws. Several subjects are trained together (the paper's joint training), with as many steps for
each as one alone has.
"""
from examples import Examples
from method import KEYS_AND_VALUES, LENGTHS, Learned, fit, modules, with_prior
from method import trigger_and_class as called

RATES = (2e-5, 1e-4, 5e-4, 1e-3, 2e-3)
RATE = 1e-3
JOINT = True


def train(base, subjects, work, rate):
    examples = Examples(base, subjects, called, work)
    projections = modules(base.unet, KEYS_AND_VALUES)
    parameters = [module.weight.requires_grad_() for module in projections.values()]
    rows = {subject.trigger: base.embedding(subject.trigger).requires_grad_() for subject in subjects}
    base.rows |= {base.token(trigger): row for trigger, row in rows.items()}
    lengths = [length * len(subjects) for length in LENGTHS]
    for seconds in fit(parameters + list(rows.values()), rate, lengths, lambda: with_prior(base, examples, base.text)):
        tensors = {name: module.weight.detach().half() for name, module in projections.items()}
        tensors |= {trigger: row.detach().half() for trigger, row in rows.items()}
        yield Learned(tensors, sum(2 * value.numel() for value in tensors.values()), seconds)


def apply(base, tensors):
    projections = modules(base.unet, KEYS_AND_VALUES)
    for name, value in tensors.items():
        if name in projections:
            projections[name].weight.data.copy_(value)
        else:
            base.rows[base.token(name)] = value.float()
