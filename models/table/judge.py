"""What pictures are held against: texts and the subjects' own pictures in the towers' space, and Toybox's measure."""
import numpy as np

from paths import ROOT
import towers
from figures import SHOWN
from measure import Measure
from measure_world import as_input
from subjects import taught

MEASURE = ROOT / "models/toybox/measure"


class Judge:
    def __init__(self):
        self.measure = Measure(MEASURE)
        self.towers = towers.load()
        self.real = {}

    def figures(self, pictures, subjects, kinds, captions):
        """Means over the pictures in contexts in which no subject was taught, so that six pictures known by heart count nothing:

        `text`: cosine of the picture with its caption, and `image`: with the subjects' own pictures (mean over pictures and subjects), both in the
        towers' space; `alike`, `each` (the share of the subjects that are recognised) and `recognised` (all of them): `cones evaluate`'s; `classes`,
        `context`: the classifier's. `taught` is `alike` in the subjects' own contexts. `kinds` and `captions` (in class words) are the pictures'.
        """
        x = as_input(pictures)
        vectors = self.towers.pictures(x)
        text = (vectors * self.towers.texts(captions)).sum(1)
        image = sum((vectors @ self.own(subject).T).mean(1) for subject in subjects) / len(subjects)
        seen = self.measure.seen(pictures, len(subjects) > 1)
        alike, recognised = zip(*(self.subject(seen, subject.word) for subject in subjects))
        right = self.measure.text(x.numpy(), [([s.word for s in subjects], kind) for kind in kinds])
        alike, new = np.mean(alike, 0), ~np.isin(kinds, taught(subjects))
        shown = [text.numpy(), image.numpy(), alike, np.mean(recognised, 0), np.all(recognised, 0), [r[0] for r in right], [r[1] for r in right]]
        return {name: float(np.mean(np.asarray(values)[new])) for name, values in zip(SHOWN, shown)} | dict(taught=float(np.mean(alike[~new])))

    def own(self, subject):
        """The subject's own pictures in the towers' space."""
        if subject.word not in self.real:
            self.real[subject.word] = self.towers.pictures(as_input(np.stack(subject.pictures)))
        return self.real[subject.word]

    def subject(self, seen, word):
        """Of each picture, how alike the subject is, and whether it is the nearest of all drawings of its class."""
        names = self.measure.instances(word)
        likeness, own = self.measure.likeness(seen, names), names.index(f"{word}/fluent")
        return likeness[:, own], likeness.argmax(1) == own
