"""Checkpoints that survive a kill at any second, and a polite stop."""
import os
import signal
import time
from pathlib import Path

import torch


class Checkpoint:
    """The state of named models and optimisers, and a few numbers, in one file that is always whole."""

    def __init__(self, path, parts):
        self.path, self.parts = Path(path), parts

    def load(self):
        """Restores every part that the file has; returns the numbers kept beside them, none where there is no file."""
        if not self.path.exists():
            return {}
        state = torch.load(self.path, weights_only=True, map_location="cpu")
        for name, part in self.parts.items():
            if name in state:
                try:
                    part.load_state_dict(state[name])
                except (RuntimeError, ValueError, KeyError) as error:
                    raise SystemExit(f"{self.path} holds a `{name}` of another shape, from before the recipe changed: move it away "
                                     f"to begin anew ({str(error).splitlines()[0]})") from error
        return state["numbers"]

    def save(self, **numbers):
        part = self.path.with_suffix(".part")
        torch.save({name: p.state_dict() for name, p in self.parts.items()} | {"numbers": numbers}, part)
        with open(part, "rb") as file:
            os.fsync(file.fileno())
        os.replace(part, self.path)


class Clock:
    """Seconds of training, those of earlier runs included. On the CPU they are the process's own, times the `cores` that train
    together: a core that others had meanwhile has not trained. With a GPU they are the clock's, and of the time between two looks no
    more than five minutes count, for a process may have been stopped."""

    def __init__(self, before=0.0, cores=1):
        self.now = time.monotonic if torch.cuda.is_available() else time.process_time
        self.total, self.last, self.cores = before, self.now(), cores

    def look(self):
        now = self.now()
        self.total += self.cores * min(now - self.last, 300)
        self.last = now
        return self.total


class Stop:
    """True once the process was asked to end (SIGTERM or Ctrl-C); the loop then saves and leaves."""

    def __init__(self):
        self.asked = False
        for name in (signal.SIGTERM, signal.SIGINT):
            signal.signal(name, self.ask)

    def ask(self, *_):
        self.asked = True

    def __bool__(self):
        return self.asked
