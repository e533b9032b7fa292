"""What shutting a subject's neurons does to attention: overlap of the attention map with the subject's true shape, pack off and on.

    cargo xtask bench outline [--packs FILE…] [--pictures DIR] [--bundle DIR]

For each pack NAME.cones the pictures in PICTURES/NAME (`models/shapes`: drawings whose shape is known, none of which the pack was found
from) are shown to the model with noise of four levels; the map says how much each place looks at the trigger, the overlap is
intersection over union of its bright part (Otsu's threshold) with the shape. `cones report --pictures` does the work and leaves a page
with the maps for each pack.
"""
import argparse
import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("section", nargs="?", help=argparse.SUPPRESS)
    parser.add_argument("--cones", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--bundle", type=Path, default=ROOT / "models/toybox/bundle")
    parser.add_argument("--packs", type=Path, nargs="+", default=sorted((ROOT / "models/packs").glob("*.cones")))
    parser.add_argument("--pictures", type=Path, default=ROOT / "models/shapes")
    return parser.parse_args()


def main():
    args = arguments()
    print(f"{'pack':16} {'pictures':>8} {'everywhere':>10} {'off':>6} {'on':>6} {'on / off':>8}")
    all_off = all_on = 0.0
    for pack in args.packs:
        out = args.work / "outline" / pack.stem
        command = [args.cones, "report", pack, "--pictures", args.pictures / pack.stem, "--out", out, "--json", "--quiet",
                   "--prompt", "a {} on grass", "--seeds", "1", "--bundle", args.bundle]
        ran = subprocess.run([str(part) for part in command], stdout=subprocess.PIPE, check=False)
        if ran.returncode:
            return ran.returncode
        overlap, = json.loads(ran.stdout)["overlaps"]
        all_off, all_on = all_off + overlap["off"], all_on + overlap["on"]
        print(f"{pack.stem:16} {overlap['pictures']:8} {overlap['everywhere']:10.3f} {overlap['off']:6.3f} {overlap['on']:6.3f} "
              f"{overlap['on'] / overlap['off']:8.3f}", flush=True)
    print(f"\noverlap with the pack on / off, over all packs: {all_on / all_off:.3f}")
    print(f"pages: {args.work / 'outline'}/PACK/index.html")
    return 0


if __name__ == "__main__":
    sys.exit(main())
