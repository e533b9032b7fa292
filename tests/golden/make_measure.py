"""What Toybox's measure says of the subjects' pictures, by `models/toybox/recipe/measure.py` (numpy, ONNX Runtime in Python).

What is nearest to the whole picture and to any part of it, and whether the things and the context are right. How alike the picture and its parts are to
the subject's references, and what other drawings and the references themselves come to.
"""
import json
import sys
from pathlib import Path

import numpy as np
from PIL import Image

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "models/toybox/recipe"))
import measure  # noqa: E402
from network_input import as_input  # noqa: E402

SUBJECTS = ["dog", "owl", "robot", "car"]


def main():
    measured = measure.Measure(ROOT / "models/toybox/measure")
    phrases = dict(json.loads((ROOT / "models/toybox/measure/labels.json").read_text())["contexts"])
    cases, pictures = [], []
    for i, word in enumerate(SUBJECTS):
        folder = ROOT / f"models/subjects/fluent-{word}"
        captions = json.loads((folder / "subject.json").read_text())["captions"]
        for name, caption in captions.items():
            kind = next(k for k, phrase in phrases.items() if phrase in caption)
            cases.append(dict(picture=f"fluent-{word}/{name}", prompt=caption, words=[word], kind=kind))
            pictures.append(np.asarray(Image.open(folder / name).convert("RGB")))
    pictures = np.stack(pictures)
    seen, parts = (measured.seen(pictures, several) for several in (False, True))
    text = measured.text(as_input(pictures), [(c["words"], c["kind"]) for c in cases])
    for i, case in enumerate(cases):
        names = measured.instances(case["words"][0])
        case["whole"], case["part"] = (measured.nearest(some[i:i + 1], names)[0].split("/")[1] for some in (seen, parts))
        rows = {n: measured.references[n].astype(np.float64) for n in names}
        own = f"{case['words'][0]}/fluent"
        fluent = rows.pop(own)
        among = fluent @ fluent.T
        np.fill_diagonal(among, -2)
        case["alike"] = round(float(measured.likeness(seen[i:i + 1], [own])[0, 0]), 5)
        case["part_alike"] = round(float(measured.likeness(parts[i:i + 1], [own])[0, 0]), 5)
        case["real"] = round(float(among.max(1).mean()), 5)
        case["others"] = round(float((np.concatenate(list(rows.values())) @ fluent.T).max(1).mean()), 5)
        case["objects"], case["context"] = (bool(flag) for flag in text[i])
        del case["words"], case["kind"]
    (Path(__file__).parent / "measure" / "subjects.json").write_text(json.dumps(cases, indent=1) + "\n")
    print(f"{len(cases)} pictures; alone nearest to themselves: {sum(c['whole'] == 'fluent' for c in cases)}")


if __name__ == "__main__":
    main()
