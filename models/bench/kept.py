"""Benches of hours: what their commands said is kept, so that an interrupted run goes on. Standard library only."""
import json
import os
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def run(command, out):
    """Its standard output as JSON, from the file `out` where that is there already."""
    if not out.exists():
        part = out.with_suffix(".part")
        part.write_bytes(said(command))
        os.replace(part, out)
    return json.loads(out.read_text())


def said(command):
    """Its standard output; the bench ends where it fails."""
    words = [str(word) for word in command]
    done = subprocess.run(words, stdout=subprocess.PIPE, cwd=ROOT)
    if done.returncode:
        raise SystemExit(f"`{' '.join(words)}` failed")
    return done.stdout


def table(head, rows):
    """Markdown."""
    print("| " + " | ".join(head) + " |\n|" + "---|" * len(head))
    for row in rows:
        print("| " + " | ".join(str(c) for c in row) + " |")
