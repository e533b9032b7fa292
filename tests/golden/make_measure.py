"""What Toybox's measure says of the subjects' pictures, by `models/toybox/recipe/measure.py` (numpy, ONNX Runtime in Python).

Alone and two beside each other, of which the left halves are cut: what is nearest in the whole picture and around the places
that resemble the class, and whether the things and the context are right. How alike the picture is to the subject's references,
and what other drawings and the references themselves come to.
"""
import json
import sys
from pathlib import Path

import numpy as np
from PIL import Image

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "models/toybox/recipe"))
import measure  # noqa: E402

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
    x = np.stack(pictures).transpose(0, 3, 1, 2).astype(np.float32) / 127.5 - 1
    seen = measured.embedding.run(x)
    text = measured.text(x, [(c["words"], c["kind"]) for c in cases])
    for i, case in enumerate(cases):
        own = {k: v[i:i + 1] for k, v in seen.items()}
        names = measured.instances(case["words"][0])
        case["whole"], case["around"] = (measured.nearest(own, names, several)[0].split("/")[1] for several in (False, True))
        rows = {n: measured.references[n].astype(np.float64) for n in names}
        fluent = rows.pop(f"{case['words'][0]}/fluent")
        among = fluent @ fluent.T
        np.fill_diagonal(among, -2)
        case["alike"] = round(float((seen["embedding"][i] @ fluent.T).max()), 5)
        case["real"] = round(float(among.max(1).mean()), 5)
        case["others"] = round(float((np.concatenate(list(rows.values())) @ fluent.T).max(1).mean()), 5)
        case["objects"], case["context"] = (bool(flag) for flag in text[i])
        del case["words"], case["kind"]
    (Path(__file__).parent / "measure" / "subjects.json").write_text(json.dumps(cases, indent=1) + "\n")
    print(f"{len(cases)} pictures; alone nearest to themselves: {sum(c['whole'] == 'fluent' for c in cases)}")


if __name__ == "__main__":
    main()
