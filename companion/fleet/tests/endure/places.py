"""One manifest in S3 (moto), Azure's blobs (Azurite) and a folder, each with a worker killed.

    python -m venv target/endure && target/endure/bin/pip install -r companion/fleet/tests/endure/requirements.txt
    npm install --prefix target/endure azurite@3.35.0
    cargo build --release -p cones-companion
    PATH=$PWD/target/endure/node_modules/.bin:$PATH target/endure/bin/python companion/fleet/tests/endure/places.py

Run from the repository's root, with ORT_DYLIB_PATH set as `cargo xtask setup` says. Manifest, pictures, checkpoints, leases and packs
lie in the place. Two workers share it; one is killed in the middle, and the command is run again. Asked for: one result and one pack a
line, nothing left claimed, and the same packs byte for byte in every place. Exit status 0 if all of it holds.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time

from stores import KINDS, ROOT, environment_of, put_pictures, url_of


def children(pid: int) -> list[int]:
    return [int(child) for child in pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def kill_one(process: subprocess.Popen[bytes], store, out: str) -> int:
    """Kills a worker once something is claimed; gives how many died."""
    while process.poll() is None:
        time.sleep(0.2)
        workers = children(process.pid)
        if workers and store.names(f"{out}/leases/rex"):
            # Not before it has begun.
            time.sleep(1)
            os.kill(workers[-1], signal.SIGKILL)
            return 1
    return 0


def tried(kind: str, folder: pathlib.Path, args: argparse.Namespace) -> tuple[dict[str, str], list[str]]:
    """The hash of each subject's pack in a place, and what does not hold there."""
    store = KINDS[kind](folder)
    try:
        subject = ROOT / "models/subjects/fluent-dog"
        put_pictures(store, [subject])
        lines = [f"rex{index},dog,pictures/{subject.name},{args.steps},2,1,1,{index},0" for index in range(args.subjects)]
        lines += ["none,dog,pictures/nothing,,,,,,"]
        store.put("subjects.csv", "\n".join(["name,class,pictures,steps,batch,held_out,drawn,seed,factor_steps", *lines]).encode())
        url = url_of(store)
        command = [args.cones, "find-many", f"{url}/subjects.csv", "--out", f"{url}/out", "--workers", "2", "--threads", "1",
                   "--lease", "6", "--checkpoint-every", "2", "--json", "--quiet"]
        began, environment = time.monotonic(), environment_of(store)
        process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL)
        killed = kill_one(process, store, "out")
        statuses = [process.wait(), subprocess.run(command, env=environment, stdout=subprocess.DEVNULL, check=False).returncode]
        report = json.loads(store.read("out/report.json"))
        done = {result["name"]: result for result in report["results"] if result["state"] == "done"}
        packs = {name: hashlib.sha256(store.read(f"out/{result['pack']}")).hexdigest() for name, result in done.items()}
        wrong = []
        if len(packs) != args.subjects or any(packs[name] != result["sha256"] for name, result in done.items()):
            wrong.append(f"{len(packs)} whole packs of {args.subjects}")
        if report["failed"] != 1 or statuses != [1, 1] or not killed:
            wrong.append(f"{report['failed']} failed lines, statuses {statuses}, {killed} killed")
        if len(store.names("out/results/")) != len(lines):
            wrong.append(f"{len(store.names('out/results/'))} results of {len(lines)}")
        if store.names("out/leases/rex"):
            wrong.append(f"left claimed: {store.names('out/leases/')}")
        print(f"{kind}: {len(packs)} packs, {killed} worker killed, {report['taken_over']} taken over, "
              f"{time.monotonic() - began:.0f} s{''.join('; ' + what for what in wrong)}", flush=True)
        return packs, wrong
    finally:
        if store.server:
            store.server.stop()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--places", nargs="+", choices=KINDS, default=list(KINDS))
    parser.add_argument("--subjects", type=int, default=4)
    parser.add_argument("--steps", type=int, default=30)
    parser.add_argument("--cones", default=str(ROOT / "target/release/cones"))
    args = parser.parse_args()
    folder = pathlib.Path(tempfile.mkdtemp(prefix="places-"))
    try:
        outcomes = []
        for kind in args.places:
            (folder / kind).mkdir()
            outcomes.append(tried(kind, folder / kind, args))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    same = all(packs == outcomes[0][0] for packs, _ in outcomes)
    print("the same packs byte for byte in every place" if same else "packs differ between places")
    return 0 if same and not any(wrong for _, wrong in outcomes) else 1


if __name__ == "__main__":
    sys.exit(main())
