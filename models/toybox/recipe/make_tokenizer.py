"""Makes Toybox's CLIPTokenizer: CLIP's byte-level BPE, its merges learned from the world's captions.

    python make_tokenizer.py OUT_DIR
"""
import sys
from pathlib import Path

import world
from next_recipe import clip_bpe


def corpus():
    r = world.seeded(0)
    kinds = world.CONTEXTS
    for word in world.CLASSES:
        for kind in kinds:
            other = r.choice(list(world.CLASSES))
            yield world.caption([word, other], kind)
    # Words a person may type that the world does not draw; they get short encodings, nothing more.
    yield from ["a photo of the", "a picture of two", "an image with one", "small big little large"] * 20


if __name__ == "__main__":
    clip_bpe.write(Path(sys.argv[1]), corpus(), world.TRIGGERS)
