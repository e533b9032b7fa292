"""The bench's side of the line protocol: starts a program, asks it for pictures one at a time."""
import json
import os
import subprocess
import sys


class WorkerFailed(Exception):
    """What failed, in words for the terminal."""


class Worker:
    """A program that draws one picture for each line `run` and answers with one line of JSON."""

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

    def draw(self):
        """One picture's figures."""
        try:
            self.process.stdin.write("run\n")
            self.process.stdin.flush()
            line = self.process.stdout.readline()
        except BrokenPipeError:
            line = ""
        if not line:
            code = self.process.wait()
            raise WorkerFailed(f"{self.name}: stopped with code {code}; what it wrote above says why")
        try:
            answer = json.loads(line)
            answer["seconds"] = float(answer["seconds"])
        except (ValueError, KeyError, TypeError) as error:
            raise WorkerFailed(f"{self.name}: cannot read its answer {line.strip()!r}: {error!r}") from error
        return answer

    def run(self):
        """One picture that counts. Every picture must be the same one."""
        answer = self.draw()
        if self.runs and answer.get("sha256") != self.runs[0].get("sha256"):
            print(f"warning: {self.name} drew another picture than before", file=sys.stderr)
        self.runs.append(answer)

    def values(self, key):
        """One figure of every run."""
        try:
            return [float(run[key]) for run in self.runs]
        except KeyError:
            raise WorkerFailed(f"{self.name}: its answers have no '{key}': {self.runs[0]}") from None

    def close(self):
        """Ends the program; it stops by itself when its input ends."""
        self.process.stdin.close()
        try:
            self.process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self.process.kill()
