"""What a fleet costs beside finding: processor time of `cones find-many` against that of `cones find` on the same subjects.

    target/endure/bin/python companion/fleet/tests/endure/overhead.py --subjects 3 --steps 40

Set up as `endure.py`; everything goes through S3 (moto, whose own time does not count). Each subject is of another class, so that
nothing is gained by sharing. Processor time, for the clock of a busy machine says nothing; the waiting for a store's answers comes
on top, about a dozen of them a subject (`examples/simulate.rs` counts them).
"""

from __future__ import annotations

import argparse
import os
import pathlib
import resource
import subprocess
import tempfile

from stores import ROOT, S3, environment_of, put_pictures


def processor_seconds(command: list[str]) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--subjects", type=int, default=3)
    parser.add_argument("--steps", type=int, default=40)
    parser.add_argument("--cones", default=str(ROOT / "target/release/cones"))
    args = parser.parse_args()
    folder = pathlib.Path(tempfile.mkdtemp(prefix="overhead-"))
    store = S3(folder)
    os.environ.update(environment_of(store))
    subjects = sorted((ROOT / "models/subjects").glob("fluent-*"))[: args.subjects]
    lines = ["name,class,pictures,steps,batch,held_out,drawn"]
    put_pictures(store, subjects)
    alone = 0.0
    for subject in subjects:
        kind = subject.name.removeprefix("fluent-")
        lines.append(f"{subject.name},{kind},pictures/{subject.name},{args.steps},4,4,1")
        alone += processor_seconds([
            args.cones, "find", "--images", str(subject), "--class", kind, "--out", str(folder / f"{kind}.cones"),
            "--steps", str(args.steps), "--batch", "4", "--held-out", "4", "--drawn", "1", "--show", "0", "--threads", "1",
            "--quiet",
        ])
    store.put("subjects.csv", "\n".join(lines).encode())
    fleet = processor_seconds([args.cones, "find-many", "s3://fleet/subjects.csv", "--out", "s3://fleet/out",
                               "--threads", "1"])
    store.server.stop()
    count = len(subjects)
    print(f"{count} subjects of {args.steps} steps: alone {alone / count:.2f} s of processor each, in a fleet {fleet / count:.2f} s, "
          f"ratio {fleet / alone:.4f}")


if __name__ == "__main__":
    main()
