"""The network that says which of Toybox's things a picture shows, and in which context."""
import torch.nn as nn

import world

WORDS = list(world.CLASSES)


class Classifier(nn.Module):
    """Picture [n, 3, side, side] in -1..1 to (a logit for each class word [n, words], a logit for each context [n, contexts]).

    `widths` are the channels at each resolution, each half as large as the one before."""

    def __init__(self, widths):
        super().__init__()
        layers = [nn.Conv2d(3, widths[0], 3, padding=1)]
        for a, b in zip(widths, widths[1:] + widths[-1:]):
            layers += [nn.BatchNorm2d(a), nn.ReLU(), nn.Conv2d(a, b, 3, padding=1, stride=2),
                       nn.BatchNorm2d(b), nn.ReLU(), nn.Conv2d(b, b, 3, padding=1)]
        self.body = nn.Sequential(*layers, nn.BatchNorm2d(widths[-1]), nn.ReLU())
        self.objects = nn.Conv2d(widths[-1], len(WORDS), 1)
        self.context = nn.Linear(widths[-1], len(world.CONTEXTS))

    def forward(self, x):
        h = self.body(x)
        # An object is there if any place shows it.
        return self.objects(h).flatten(2).logsumexp(2) - 2, self.context(h.mean((2, 3)))
