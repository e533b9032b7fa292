"""The subjects that nobody has seen, their pictures, and which of them are drawn together."""
import json
from dataclasses import dataclass

import numpy as np
from PIL import Image

from prompts import KINDS
from paths import ROOT
from captions import caption

# In the order that gives each its trigger, so that subjects drawn together have different ones.
NAMES = "dog cat robot owl car fox mushroom penguin".split()
# By these, learning rates were chosen; they are in no figure of the table.
TRIED = "bear rabbit".split()
TOGETHER = {
    1: [(name,) for name in NAMES],
    2: [("dog", "robot"), ("cat", "car"), ("owl", "mushroom"), ("fox", "penguin"), ("dog", "mushroom"), ("car", "owl")],
    3: [("dog", "cat", "robot"), ("car", "fox", "mushroom"), ("cat", "robot", "penguin"), ("owl", "dog", "fox")],
    4: [("dog", "cat", "robot", "owl"), ("car", "fox", "mushroom", "penguin"), ("dog", "fox", "robot", "penguin"), ("car", "cat", "mushroom", "owl")],
}


@dataclass
class Subject:
    word: str
    trigger: str
    pictures: list
    captions: list

    @property
    def name(self):
        return f"fluent-{self.word}"

    @property
    def folder(self):
        return ROOT / "models/subjects" / self.name

    def called(self, words):
        """The captions with these words in place of the class word."""
        return [replaced(caption, self.word, words) for caption in self.captions]

    def kinds(self):
        """The contexts of its pictures."""
        return [kind for kind in KINDS if caption([self.word], kind) in self.captions]


def taught(subjects):
    """The contexts in which any of them is shown."""
    return sorted({kind for one in subjects for kind in one.kinds()})


def subject(word):
    order = (NAMES if word in NAMES else TRIED).index(word)
    return Subject(word, f"<v{order % 4 + 1}>", *read(ROOT / "models/subjects" / f"fluent-{word}"))


def drawings(words):
    """The subjects themselves, for what pictures of them would be at best, as `artwork.py` writes drawings (Microsoft's Fluent Emoji, flat, MIT)."""
    sprites = [np.asarray(Image.open(ROOT / "models/table/drawings" / f"{word}.png").convert("RGBA").convert("RGBa")) for word in words]
    return dict(keys=[f"fluent-emoji-flat/{word}" for word in words], sprites=np.stack(sprites))


def read(folder):
    """The pictures of a subject's folder, and their captions."""
    captions = json.loads((folder / "subject.json").read_text())["captions"]
    return [np.asarray(Image.open(folder / name).convert("RGB")) for name in captions], list(captions.values())


def replaced(caption, word, words):
    """`an owl at night` with `<v1> owl` for `owl` is `a <v1> owl at night`."""
    for article in ("a", "an"):
        caption = caption.replace(f"{article} {word}", f"a {words}")
    return caption
