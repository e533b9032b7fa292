"""What networks that say what stands at each of 8 x 8 places have in common: how they learn, and when a class counts as seen."""
import torch
import torch.nn.functional as F

from fast import autocast

# Places, of 8 x 8, that a class has to be seen at to be there: the smallest things cover five.
LEAST = 1.5
# What a place that shows nothing counts in the loss: most do.
NOTHING = 0.2


def loss_of(model, x, places, contexts):
    """Of what is seen at each place, int64 (n, 8, 8), the last number being nothing, and of the context, int64 (n,)."""
    with autocast():
        objects, context = model(x.contiguous(memory_format=torch.channels_last))
    weights = torch.ones(objects.shape[1], device=objects.device)
    weights[-1] = NOTHING
    return F.cross_entropy(objects.float(), places, weights) + 0.3 * F.cross_entropy(context.float(), contexts)


def present(places):
    """How much of each class is there, 0 where it is just enough, (n, classes), of logits (n, classes and none, 8, 8)."""
    covered = places.float().softmax(1)[:, :-1].sum((2, 3))
    return (covered / LEAST).clamp_min(1e-6).log()


def right(scores, wanted):
    """Whether the wanted classes have the highest scores, and each is there."""
    top = scores.topk(len(wanted)).indices.tolist()
    return set(top) == {int(i) for i in wanted} and all(scores[i] > 0 for i in top)
