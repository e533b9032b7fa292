"""What is trained on: the subjects' pictures, and pictures of their classes that the base model draws (prior preservation)."""
import numpy as np
import torch

from prompts import KINDS
from captions import caption

# Of each class; DreamBooth's public script asks for 200 of a photograph's variety, these prompts have 16 contexts.
PRIOR = 64


class Examples:
    """Latents and captions of the subjects under the words that each is called by, and of their classes."""

    def __init__(self, base, subjects, called, work):
        own = [(base.latents(s.pictures), s.called(called(s))) for s in subjects]
        prior = [(torch.from_numpy(drawn(base, s.word, work)), class_prompts(s.word)) for s in subjects]
        self.own, self.prior = joined(own), joined(prior)

    def batch(self, count):
        """As many of the subjects and of their classes: latents and captions, the subjects first."""
        parts = [self.pick(part, count) for part in (self.own, self.prior)]
        return torch.cat([latents for latents, _ in parts]), [text for _, texts in parts for text in texts]

    def own_batch(self, count):
        return self.pick(self.own, count)

    @staticmethod
    def pick(part, count):
        latents, texts = part
        chosen = torch.randint(len(texts), (count,))
        return latents[chosen], [texts[i] for i in chosen.tolist()]


def joined(parts):
    return torch.cat([latents for latents, _ in parts]), [text for _, texts in parts for text in texts]


def class_prompts(word):
    return [caption([word], KINDS[i % len(KINDS)]) for i in range(PRIOR)]


def drawn(base, word, work):
    """Latents of the class's pictures, drawn once by the base model, whose weights have to be its own here."""
    file = work / "prior" / f"{word}.npy"
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        pictures = base.draw(class_prompts(word), [50_000 + i for i in range(PRIOR)])
        np.save(file, base.latents(list(pictures)).numpy())
    return np.load(file)
