"""Several processes that train one model, each on a core and on pictures of its own: PyTorch's threads make hardly anything of a second
core where layers are this small.

Each holds the same weights and the same optimiser. After each backward pass all of them put their gradients into memory that they
share, and each takes the same mean out of it, added up in the same order, so the weights stay equal to the bit.
"""
import os
import tempfile
from pathlib import Path

import torch
import torch.multiprocessing as mp

# Seconds that one waits for another before it gives up: one that is gone never comes.
PATIENCE = 300


class Together:
    """Process `rank` of `count`. All call `say` and then `mean` at every step, which keeps them in step."""

    def __init__(self, rank=0, count=1, barrier=None, folder=None):
        self.rank, self.count, self.barrier, self.folder = rank, count, barrier, folder
        self.said = self.shared("said", 1, torch.float64)
        self.gradients = None

    def shared(self, name, size, kind):
        """Numbers that all processes see."""
        return torch.from_file(f"{self.folder}/{name}", shared=True, size=size, dtype=kind) if self.count > 1 else torch.zeros(size, dtype=kind)

    def wait(self):
        if self.count > 1:
            self.barrier.wait(PATIENCE)

    def say(self, number):
        """What the first process says; the others' numbers count nothing."""
        if self.rank == 0:
            self.said[0] = number
        self.wait()
        return self.said.item()

    def mean(self, parameters):
        """Replaces the gradients of `parameters` by their mean over all processes."""
        if self.count == 1:
            return
        grads = [p.grad for p in parameters]
        sizes = [g.numel() for g in grads]
        if self.gradients is None:
            self.gradients = self.shared("gradients", self.count * sum(sizes), torch.float32).view(self.count, -1)
        torch._foreach_copy_([part.view(g.shape) for part, g in zip(self.gradients[self.rank].split(sizes), grads)], grads)
        self.wait()
        mean = self.gradients.mean(0)
        torch._foreach_copy_(grads, [part.view(g.shape) for part, g in zip(mean.split(sizes), grads)])


def run(work, count):
    """Calls `work(together)` in `count` processes, this one the first."""
    if count == 1:
        return work(Together())
    context, cores = mp.get_context("spawn"), sorted(os.sched_getaffinity(0))
    barrier = context.Barrier(count)
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None) as folder:
        others = [context.Process(target=other, args=(work, rank, count, barrier, folder, cores[rank % len(cores)]), daemon=True)
                  for rank in range(1, count)]
        for process in others:
            process.start()
        os.sched_setaffinity(0, {cores[0]})
        try:
            return work(Together(0, count, barrier, folder))
        finally:
            # Whoever still waits is told that nobody comes.
            for process in others:
                process.join(5)
            barrier.abort()


def other(work, rank, count, barrier, folder, core):
    """Any process but the first."""
    os.sched_setaffinity(0, {core})
    work(Together(rank, count, barrier, folder))
