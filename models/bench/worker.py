"""The bench's side of the line protocol: starts a program, asks it for one thing at a time."""
import json
import os
import subprocess
import sys


class WorkerFailed(Exception):
    """What failed, in words for the terminal."""


class Worker:
    """A program that does one thing for each line on its standard input, and answers with one line of JSON."""

    def __init__(self, name, command, threads):
        self.name, self.runs = name, []
        # All threading libraries get the same number; what is pinned is inherited from this process.
        count = str(threads)
        env = dict(os.environ, OMP_NUM_THREADS=count, MKL_NUM_THREADS=count, OPENBLAS_NUM_THREADS=count,
                   TOKENIZERS_PARALLELISM="false", HF_HUB_OFFLINE="1", HF_HUB_DISABLE_PROGRESS_BARS="1",
                   TRANSFORMERS_VERBOSITY="error", DIFFUSERS_VERBOSITY="error", PYTHONWARNINGS="ignore")
        try:
            self.process = subprocess.Popen([str(part) for part in command], stdin=subprocess.PIPE,
                                            stdout=subprocess.PIPE, text=True, env=env)
        except OSError as error:
            raise WorkerFailed(f"{name}: cannot start {command[0]}: {error}") from error

    def ask(self, what):
        """One answer that does not count."""
        try:
            self.process.stdin.write(what + "\n")
            self.process.stdin.flush()
            line = self.process.stdout.readline()
        except BrokenPipeError:
            line = ""
        if not line:
            code = self.process.wait()
            raise WorkerFailed(f"{self.name}: stopped with code {code}; what it wrote above says why")
        try:
            return dict(json.loads(line))
        except (ValueError, TypeError) as error:
            raise WorkerFailed(f"{self.name}: cannot read its answer {line.strip()!r}: {error!r}") from error

    def run(self, what):
        """One answer that counts. Every picture must be the same one."""
        answer = self.ask(what)
        if self.runs and answer.get("sha256") != self.runs[0].get("sha256"):
            print(f"warning: {self.name} drew another picture than before", file=sys.stderr)
        self.runs.append(answer)

    def values(self, *path):
        """One figure of every answer that counts."""
        def within(answer):
            for key in path:
                answer = answer[key]
            return float(answer)

        try:
            return [within(run) for run in self.runs]
        except (KeyError, TypeError, ValueError):
            raise WorkerFailed(f"{self.name}: its answers have no '{'.'.join(path)}': {self.runs[0]}") from None

    def close(self):
        """Ends the program; it stops by itself when its input ends."""
        self.process.stdin.close()
        try:
            self.process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self.process.kill()


def take_turns(workers, what, runs):
    """One warm-up each, which is returned, then `runs` rounds, each in another order: a machine that slows down slows all."""
    first = [worker.ask(what) for worker in workers]
    for turn in range(runs):
        start = turn % len(workers)
        for worker in workers[start:] + workers[:start]:
            worker.run(what)
    return first
