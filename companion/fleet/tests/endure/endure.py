"""A fleet that is shot at: S3 (moto) and a Ray cluster of two nodes on this machine, workers and a node killed at random.

    python -m venv target/endure && target/endure/bin/pip install -r companion/fleet/tests/endure/requirements.txt
    cargo build --release -p cones-companion
    target/endure/bin/python companion/fleet/tests/endure/endure.py --subjects 200

Run from the repository's root, with ORT_DYLIB_PATH set as `cargo xtask setup` says. First a quiet run with one worker, then the same
manifest through `engines/ray/find_many.py` into another place. Asked for: every line has one result and one pack, each pack is byte for
byte that of the quiet run, nothing is left claimed. Printed: what was killed, and how long a subject takes beside its finding itself.
Exit status 0 if all of it holds.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import pathlib
import random
import signal
import subprocess
import sys
import tempfile
import time

from ray.cluster_utils import Cluster

from stores import ROOT, S3, environment_of, put_pictures

ENGINE = ROOT / "companion/fleet/engines/ray/find_many.py"
HANDED_ON = ["AWS_ENDPOINT", "AWS_ALLOW_HTTP", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_REGION",
             "ORT_DYLIB_PATH", "CONES_BUNDLE", "SOURCE_DATE_EPOCH"]


def manifest(store: S3, count: int, steps: int) -> list[str]:
    """Subjects of all classes that lie in the repository, each with a seed of its own, and a few bad lines."""
    folders = sorted((ROOT / "models/subjects").glob("fluent-*"))
    put_pictures(store, folders)
    # Classes one after another, few of them, so that what they share is shared.
    classes = [folder.name.removeprefix("fluent-") for folder in folders][: max(1, min(4, count // 4))]
    lines = ["name,class,pictures,steps,batch,held_out,drawn,seed,factor_steps"]
    for index in range(count):
        kind = classes[index % len(classes)]
        lines.append(f"s{index:04},{kind},pictures/fluent-{kind},{steps},2,1,1,{index // 40},0")
    lines += ["Bad,dog,pictures/fluent-dog,,,,,,", "none,dog,pictures/nothing,,,,,,", "odd,qzxwvkjq,pictures/fluent-dog,,,,,,"]
    store.put("subjects.csv", "\n".join(lines).encode())
    return lines[1:]


def processes(out: str) -> dict[int, dict[str, str]]:
    """Our workers: the processes whose arguments name the place of this run."""
    found = {}
    for folder in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            arguments = (folder / "cmdline").read_bytes().split(b"\0")
            if b"find-many" in arguments[1:3] and out.encode() in arguments:
                pairs = (folder / "environ").read_bytes().split(b"\0")
                found[int(folder.name)] = dict(pair.decode().split("=", 1) for pair in pairs if b"=" in pair)
        except (OSError, ValueError):
            continue
    return found


def kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        pass


class Shooting:
    """Ray's cluster, and what happens to it."""

    def __init__(self, out: str, dice: random.Random) -> None:
        self.out, self.dice, self.workers, self.nodes = out, dice, 0, 0
        # At this machine's own address: Ray takes 127.0.0.1 for that one, and then finds nobody there.
        self.node_args = {"num_cpus": 1, "include_dashboard": False}
        self.cluster = Cluster(initialize_head=True, head_node_args=self.node_args)
        self.second = self.cluster.add_node(**self.node_args)

    def worker(self) -> None:
        alive = sorted(processes(self.out))
        if alive:
            kill(self.dice.choice(alive))
            self.workers += 1

    def node(self) -> None:
        raylet = str(self.second.all_processes["raylet"][0].process.pid)
        ours = [pid for pid, environment in processes(self.out).items() if environment.get("RAY_RAYLET_PID") == raylet]
        self.cluster.remove_node(self.second, allow_graceful=False)
        # A node's processes go with it.
        [kill(pid) for pid in ours]
        self.nodes += 1
        self.second = self.cluster.add_node(**self.node_args)


def check(store: S3, quiet: str, shot: str, lines: list[str]) -> list[str]:
    """What does not hold."""
    wrong = []
    reports = [json.loads(store.read(f"{place}/report.json")) for place in (quiet, shot)]
    by_name = [{result.get("name"): result for result in report["results"]} for report in reports]
    for place, report in zip((quiet, shot), reports):
        results = store.names(f"{place}/results/")
        if len(results) != len(lines) or report["lines"] != len(lines):
            wrong.append(f"{place}: {len(results)} results and {report['lines']} lines in the report of {len(lines)}")
        if report["failed"] != 3:
            wrong.append(f"{place}: {report['failed']} failed instead of the 3 bad lines")
        packs = [name for name in store.names(f"{place}/packs/") if name.endswith(".cones")]
        named = {f"{place}/{result['pack']}" for result in report["results"] if result["state"] == "done"}
        if set(packs) != named or len(packs) != len(lines) - 3:
            wrong.append(f"{place}: {len(packs)} packs, {len(named)} of them in results")
        # A worker that dies between writing what it made and tidying its claim away leaves a claim that nobody looks at again.
        left = store.names(f"{place}/leases/") + store.names(f"{place}/checkpoints/")
        made = [f"{result['name']}-" for result in report["results"] if result.get("name")]
        made += [f"shared-{name.rsplit('/', 1)[1]}" for name in store.names(f"{place}/shared/")]
        stuck = [name for name in left if not name.split("/")[2].startswith(tuple(made))]
        if stuck:
            wrong.append(f"{place}: left claimed: {stuck}")
    for name, result in by_name[0].items():
        other = by_name[1].get(name)
        if result["state"] != "done":
            continue
        pair = [store.read(f"{place}/{one['pack']}") for place, one in ((quiet, result), (shot, other))]
        if pair[0] != pair[1] or hashlib.sha256(pair[0]).hexdigest() != result["sha256"]:
            wrong.append(f"{name}: another pack")
    return wrong


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--subjects", type=int, default=200)
    parser.add_argument("--steps", type=int, default=2)
    parser.add_argument("--every", type=float, default=60, help="seconds between two kills of a worker, on average")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--cones", default=str(ROOT / "target/release/cones"))
    args = parser.parse_args()
    dice, folder = random.Random(args.seed), pathlib.Path(tempfile.mkdtemp(prefix="endure-"))
    # Ray lets its workers wait for everything else; on a busy machine they would starve.
    os.environ["RAY_worker_niceness"] = "0"
    store = S3(folder)
    os.environ.update(environment_of(store))
    try:
        return endure(args, store, dice)
    finally:
        store.server.stop()


def endure(args: argparse.Namespace, store: S3, dice: random.Random) -> int:
    lines = manifest(store, args.subjects, args.steps)
    find = ["s3://fleet/subjects.csv", "--threads", "1", "--lease", "6", "--checkpoint-every", "2", "--attempts", "20"]

    began = time.monotonic()
    quiet = [args.cones, "find-many", *find, "--out", "s3://fleet/quiet", "--json", "--quiet"]
    subprocess.run(quiet, stdout=subprocess.DEVNULL, check=False)
    wall = time.monotonic() - began
    records = [json.loads(store.read(name)) for name in store.names("quiet/packs/") if name.endswith(".json")]
    inside = sum(record["seconds"]["total"] for record in records)
    count = max(len(records), 1)
    print(f"quiet: {len(records)} packs in {wall:.0f} s, {inside:.0f} s of them finding; "
          f"beside it {1000 * (wall - inside) / count:.0f} ms a subject", flush=True)

    out = "s3://fleet/shot"
    shooting = Shooting(out, dice)
    try:
        command = [sys.executable, str(ENGINE), "--address", shooting.cluster.address, "--workers", "2", "--cones", args.cones]
        command += [part for name in HANDED_ON for part in ("--env", name)]
        began = time.monotonic()
        driver = subprocess.Popen([*command, "--", *find, "--out", out, "--quiet"])
        at_half, due = False, time.monotonic() + dice.expovariate(1 / args.every)
        while driver.poll() is None:
            time.sleep(0.5)
            if not at_half and len(store.names("shot/results/")) > args.subjects / 2:
                at_half = True
                shooting.node()
            if time.monotonic() > due:
                shooting.worker()
                due = time.monotonic() + dice.expovariate(1 / args.every)
        report = json.loads(store.read("shot/report.json"))
        print(f"shot at: {time.monotonic() - began:.0f} s, {shooting.workers} workers and {shooting.nodes} node killed, "
              f"{report['taken_over']} subjects taken over, driver ended with {driver.returncode}", flush=True)
        wrong = check(store, "quiet", "shot", lines)
        print("\n".join(wrong) or f"{len(lines) - 3} packs, each there once and byte for byte as in the quiet run")
    finally:
        shooting.cluster.shutdown()
    return 1 if wrong or driver.returncode != 1 or not shooting.workers or not shooting.nodes else 0


if __name__ == "__main__":
    sys.exit(main())
