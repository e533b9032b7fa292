"""Textual Inversion (Gal et al. 2023), after diffusers' `train_textual_inversion.py`: one embedding, which takes the class word's place.

The embedding starts as the class word's. Several subjects in one picture are several such words, trained one by one.
"""
from examples import Examples
from method import BATCH, LENGTHS, Learned, fit

RATES = (2e-4, 1e-3, 2e-3, 5e-3, 2e-2)
RATE = 2e-3
JOINT = False
# Nothing is trained but one row; the public script asks for several times DreamBooth's steps.
LONGER = 2


def called(subject):
    return subject.trigger


def train(base, subjects, work, rate):
    (subject,) = subjects
    examples = Examples(base, subjects, called, work)
    row = base.embedding(subject.word).requires_grad_()
    base.rows[base.token(subject.trigger)] = row

    def loss():
        latents, texts = examples.own_batch(BATCH)
        return base.losses(latents, base.text(texts)).mean()
    for seconds in fit([row], rate, [length * LONGER for length in LENGTHS], loss, decay=0):
        yield Learned({subject.trigger: row.detach().clone()}, 2 * row.numel(), seconds)


def apply(base, tensors):
    for trigger, row in tensors.items():
        base.rows[base.token(trigger)] = row
