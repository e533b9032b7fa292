"""A worker's side of the line protocol: a line `run` comes in, one line of JSON goes out."""
import hashlib
import json
import sys
import time


def serve(draw):
    """`draw()` returns a picture as a uint8 array [height, width, 3] and a dict of further figures.

    Only our own lines go to the real standard output: libraries print there when they like.
    """
    out, sys.stdout = sys.stdout, sys.stderr
    for line in sys.stdin:
        if line.strip() != "run":
            continue
        start = time.perf_counter()
        picture, figures = draw()
        seconds = time.perf_counter() - start
        answer = {"seconds": seconds, "sha256": hashlib.sha256(picture.tobytes()).hexdigest(), **figures}
        print(json.dumps(answer), file=out, flush=True)
