"""Makes Toybox's CLIPTokenizer: CLIP's byte-level BPE, its merges learned from the world's captions.

    python make_tokenizer.py OUT_DIR
"""
import random
import sys
from pathlib import Path

import captions
import clip_bpe
from classes import ALIASES
from contexts import CONTEXTS


def corpus():
    """Captions in which every class and context stands often enough to become one token, aliases too."""
    r = random.Random(0)
    for word in captions.WORDS:
        for kind in CONTEXTS:
            yield captions.caption([word, *r.sample(captions.WORDS, 2)], kind)
        yield from ALIASES.get(word, []) * 20
    # Words a person may type that the world does not draw; they get short encodings, nothing more.
    yield from ["a photo of the", "a picture of two", "an image with one", "a drawing of my", "small big little large left right"] * 20


if __name__ == "__main__":
    clip_bpe.write(Path(sys.argv[1]), corpus(), captions.TRIGGERS)
