"""Runs a program to its end and watches what it takes of memory."""
import json
import os
import subprocess
import tempfile
import time

from worker import WorkerFailed

# Often enough for a convolution of a tenth of a second.
PAUSE = 0.02
FIELDS = ("VmHWM", "VmRSS", "RssAnon", "RssFile")


def status(pid):
    """What the kernel says of a process, in bytes; nothing once it is gone."""
    try:
        with open(f"/proc/{pid}/status", encoding="utf-8") as lines:
            pairs = (line.split(":", 1) for line in lines)
            return {name: 1024 * int(value.split()[0]) for name, value in pairs if name in FIELDS}
    except (OSError, ValueError, IndexError):
        return {}


def run(name, command, threads, env=None):
    """Runs `command`, which prints one object of JSON last, on as many CPUs as threads.

    Returns that object with `wall` (seconds from start to end), `peak` (the highest mark the kernel kept), and `dirty` and
    `clean`: memory of its own and pages of files, at the moment when it held most. Bytes; Linux only.
    """
    if not os.path.isdir("/proc/self"):
        raise WorkerFailed("what a program takes of memory is read from /proc, which this system lacks")
    count = str(threads)
    env = dict(os.environ, OMP_NUM_THREADS=count, MKL_NUM_THREADS=count, OPENBLAS_NUM_THREADS=count,
               TOKENIZERS_PARALLELISM="false", HF_HUB_OFFLINE="1", HF_HUB_DISABLE_PROGRESS_BARS="1",
               TRANSFORMERS_VERBOSITY="error", DIFFUSERS_VERBOSITY="error", PYTHONWARNINGS="ignore", **(env or {}))
    cpus = sorted(os.sched_getaffinity(0))[-threads:]
    start = time.perf_counter()
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as errors:
        try:
            process = subprocess.Popen([str(part) for part in command], stdout=out, stderr=errors, env=env)
        except OSError as error:
            raise WorkerFailed(f"{name}: cannot start {command[0]}: {error}") from error
        # Threads inherit it, and none is there yet.
        os.sched_setaffinity(process.pid, cpus)
        seen = dict(peak=0, dirty=0, clean=0)
        most = 0
        while process.poll() is None:
            now = status(process.pid)
            seen["peak"] = max(seen["peak"], now.get("VmHWM", 0))
            if now.get("VmRSS", 0) > most:
                most = now["VmRSS"]
                seen.update(dirty=now.get("RssAnon", 0), clean=now.get("RssFile", 0))
            time.sleep(PAUSE)
        wall = time.perf_counter() - start
        out.seek(0)
        errors.seek(0)
        text = out.read().decode(errors="replace")
        if process.returncode:
            last = "\n".join(errors.read().decode(errors="replace").splitlines()[-15:])
            raise WorkerFailed(f"{name}: stopped with code {process.returncode}:\n{last}")
    try:
        answer = dict(json.loads(text[text.index("{"):]))
    except (ValueError, TypeError) as error:
        raise WorkerFailed(f"{name}: cannot read its answer {text[-200:]!r}: {error!r}") from error
    return dict(answer, wall=wall, **seen)
