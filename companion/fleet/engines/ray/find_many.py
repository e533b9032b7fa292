"""Runs `cones find-many` on a Ray cluster: one task a worker, restarted wherever there is room.

    pip install 'ray[default]==2.60.*'
    python find_many.py --workers 8 --gpus-each 1 -- s3://bucket/subjects.csv --out s3://bucket/packs --provider cuda

What stands after `--` is handed to `cones find-many` as it is. Each task asks for its share of CPUs and GPUs, so an autoscaling
cluster grows to the number of workers and shrinks as they end. Ray starts and restarts them; which subject is whose, checkpoints
and results are the command's own business, so a task that is started twice, or on another node, does no harm.

`cones` and the base model have to be on every node, as in an image. Needs nothing of Ray but tasks.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys

import ray

DONE, SOME_FAILED = 0, 1


def work(index: int, count: int, command: list[str], environment: dict[str, str]) -> int:
    """One worker. Ends with its exit status if the run is over; fails, to be started anew, if it was ended from outside."""
    shard = ["--shard", f"{index}/{count}"] if count > 1 else []
    process = subprocess.Popen(command + shard + ["--json"], env={**os.environ, **environment}, stdout=subprocess.PIPE)
    try:
        report = process.communicate()[0]
    except BaseException:
        # Ray cancels a task by an exception: the command puts away what it has.
        process.send_signal(signal.SIGTERM)
        process.wait()
        raise
    if process.returncode == DONE or (process.returncode == SOME_FAILED and report.strip()):
        return process.returncode
    raise RuntimeError(f"worker {index} ended with {process.returncode}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--address", help="a cluster's address; by default RAY_ADDRESS, or a cluster on this machine")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--gpus-each", type=float, default=0)
    parser.add_argument("--cpus-each", type=float, default=1)
    parser.add_argument("--cones", default="cones", help="the command on the nodes")
    parser.add_argument("--env", action="append", default=[], metavar="NAME", help="a variable to hand on; repeatable")
    parser.add_argument("arguments", nargs="+", help="of cones find-many, after --")
    args = parser.parse_args()

    ray.init(address=args.address, log_to_driver=False)
    # A dead worker or node is no fault of the work: it is tried again for as long as it takes. A worker that says itself
    # that it cannot go on raises an exception, which is tried again too: the store may have come back.
    task = ray.remote(
        num_gpus=args.gpus_each, num_cpus=args.cpus_each, max_retries=-1, retry_exceptions=[RuntimeError],
        scheduling_strategy="SPREAD",
    )(work)
    command = [args.cones, "find-many", *args.arguments]
    environment = {name: os.environ[name] for name in args.env if name in os.environ}
    running = [task.remote(index, args.workers, command, environment) for index in range(args.workers)]
    statuses = ray.get(running)
    print(json.dumps({"workers": args.workers, "statuses": statuses}))
    return max(statuses)


if __name__ == "__main__":
    sys.exit(main())
