"""One picture from a cold start, stage by stage: what the Python programs of `cargo xtask bench size` have in common."""
import json
import sys
import time

import workload


def parser(description):
    """Their command line: that of the other Python workers, and the size of the picture."""
    result = workload.parser(description)
    result.add_argument("--pixels", type=int, required=True)
    return result


class Stages:
    """Seconds of `loading`, `text`, `unet` and `decoding`, each added up."""

    def __init__(self):
        self.seconds = dict(loading=0.0, text=0.0, unet=0.0, decoding=0.0)
        # Libraries print what they like; the answer goes to the real standard output alone.
        self.out, sys.stdout = sys.stdout, sys.stderr

    def timed(self, stage, work):
        """What `work()` gives, its time added to a stage."""
        start = time.perf_counter()
        result = work()
        self.seconds[stage] += time.perf_counter() - start
        return result

    def tell(self, steps, **more):
        """The answer: seconds by stage, and steps."""
        print(json.dumps(dict(steps=steps, seconds=self.seconds, **more)), file=self.out, flush=True)
