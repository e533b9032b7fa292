"""What is drawn in a bench: the same for everyone who draws."""
import argparse
import json
from dataclasses import dataclass
from pathlib import Path

PROMPT = "a dog and an apple on grass"
SEED = 7
STEPS = 20


@dataclass
class Workload:
    """One picture's request."""
    guidance: float
    threads: int
    prompt: str = PROMPT
    seed: int = SEED
    steps: int = STEPS

    def flags(self):
        """As on a worker's command line."""
        return ["--prompt", self.prompt, "--seed", str(self.seed), "--steps", str(self.steps),
                "--guidance", str(self.guidance), "--threads", str(self.threads)]


def from_bundle(bundle, threads):
    """The bundle's own guidance, as a person who gives nothing but a prompt gets it."""
    manifest = json.loads((Path(bundle) / "bundle.json").read_text(encoding="utf-8"))
    return Workload(guidance=manifest["defaults"]["guidance"], threads=threads)


def parser(description):
    """A Python worker's command line, the workload's flags included."""
    result = argparse.ArgumentParser(description=description)
    result.add_argument("model", type=Path, metavar="DIR")
    result.add_argument("--prompt", required=True)
    result.add_argument("--seed", type=int, required=True)
    result.add_argument("--steps", type=int, required=True)
    result.add_argument("--guidance", type=float, required=True)
    result.add_argument("--threads", type=int, required=True)
    return result
