"""When a class counts as seen, for every network that says what stands at each of 8 x 8 places."""

# Places, of 8 x 8, that a class has to be seen at to be there: the smallest things cover five.
LEAST = 1.5


def present(places):
    """How much of each class is there, 0 where it is just enough, (n, classes), of logits (n, classes and none, 8, 8)."""
    covered = places.float().softmax(1)[:, :-1].sum((2, 3))
    return (covered / LEAST).clamp_min(1e-6).log()


def right(scores, wanted):
    """Whether the wanted classes have the highest scores, and each is there."""
    top = scores.topk(len(wanted)).indices.tolist()
    return set(top) == {int(i) for i in wanted} and all(scores[i] > 0 for i in top)
