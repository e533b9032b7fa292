"""The systems of the table: each teaches a base model subjects, and draws them."""
import random
import time
from dataclasses import dataclass
from functools import partial
from typing import Callable

import custom_diffusion
import dreambooth
import shira
import textual_inversion
from bench import noise
from figures import BOXED, GENTLE
from prompts import in_contexts
from drawn import Drawn
from layout import boxes
from measure_world import as_bytes
from method import LENGTHS
from subjects import drawings
from world import World

# Those that PyTorch trains.
METHODS = {"textual-inversion": textual_inversion, "dreambooth": dreambooth, "custom-diffusion": custom_diffusion, "shira": shira}


@dataclass
class System:
    # Draws these subjects with this seed; in boxes, if it is told so.
    run: Callable
    # Whether it differs from another system where one subject is drawn.
    for_one: bool = True


def base_model(bench, subjects, seed, boxed=False):
    bench.base.restore()
    _, captions = bench.asked(subjects)
    where = boxes([subject.word for subject in subjects]) if boxed else None
    return Drawn(bench.base.draw(captions, [noise(seed)] * len(captions), where), 0, 0.0)


def real(bench, subjects, seed):
    """The subjects' own drawings, composed as the world's pictures are: what a system that does all of it right would draw."""
    words = [subject.word for subject in subjects]
    kinds, _ = bench.asked(subjects)
    shown = World([drawings(words)])
    return Drawn(as_bytes(shown.compose(random.Random(f"{words} {seed}"), [(list(range(len(words))), kind) for kind in kinds])), 0, 0.0)


def trained(method, length):
    def run(bench, subjects, seed, boxed=False):
        sets = [subjects] if method.JOINT else [[subject] for subject in subjects]
        learned = [bench.trained(method, some, length) for some in sets]
        pictures = bench.drawn(method, subjects, [part.tensors for part in learned], seed, boxed)
        size, seconds = (sum(getattr(part, name) for part in learned) for name in ("bytes", "seconds"))
        return Drawn(pictures, size / len(subjects), seconds, switched(bench, method, learned))
    return run


def switched(bench, method, learned):
    """Seconds to write what was learned over the base model's weights: the least of five times."""
    times = []
    for _ in range(5):
        bench.base.restore()
        start = time.perf_counter()
        for part in learned:
            method.apply(bench.base, part.tensors)
        times.append(time.perf_counter() - start)
    return min(times)


def paper(bench, subjects, seed, boxed=False):
    packs, seconds = found(bench, subjects, "accumulate", "prompt")
    shown = packs if len(packs) == 1 else [bench.cones.united(packs)]
    return Drawn(with_packs(bench, [f"<v1> {subject.word}" for subject in subjects], shown, seed, boxed), size(packs), seconds)


def ours(bench, subjects, seed, boxed=False, strength=1.0):
    packs, seconds = found(bench, subjects, "learned", "trigger")
    return Drawn(with_packs(bench, by_name(subjects), packs, seed, boxed, strength), size(packs), seconds)


def tuned(bench, subjects, seed, boxed=False):
    packs, seconds = found(bench, subjects, "learned", "trigger")
    changed, more = bench.cones.tuned(subjects, packs)
    return Drawn(with_packs(bench, by_name(subjects), changed, seed, boxed), size(changed), seconds + more)


def with_packs(bench, called, packs, seed, boxed, strength=1.0):
    return bench.cones.draw(in_contexts(called), packs, noise(seed), boxes(called) if boxed else {}, strength)


def found(bench, subjects, method, scope):
    """A pack of each subject, and the seconds that they took together."""
    packs, seconds = zip(*(bench.cones.found(subject, method, scope) for subject in subjects))
    return list(packs), sum(seconds)


def by_name(subjects):
    return ["{" + subject.name + "}" for subject in subjects]


def size(packs):
    """Bytes of a pack, in the mean."""
    return sum(pack.stat().st_size for pack in packs) / len(packs)


DRAWING = {
    "base": System(base_model),
    **{f"{name}-{length}": System(trained(method, length)) for name, method in METHODS.items() for length in LENGTHS},
    "paper": System(paper),
    "ours": System(ours),
    "gentle": System(partial(ours, strength=GENTLE)),
    "tuned": System(tuned, for_one=False),
}
# Every one that is asked for a picture is asked for it in boxes too.
SYSTEMS = {
    "real": System(real),
    **DRAWING,
    **{name + BOXED: System(partial(system.run, boxed=True), for_one=False) for name, system in DRAWING.items()},
}
