"""The captions of Toybox's world: what they say, and in which words."""
from classes import ALIASES, CLASSES
from contexts import SCENES

WORDS = list(CLASSES)
TRIGGERS = ["<v1>", "<v2>", "<v3>", "<v4>"]
# A drawing's style, as a caption may say it ("a flat drawing of a dog"), and the artwork set that is drawn in it.
STYLES = {
    "glossy": "fluent-emoji", "flat": "fluent-emoji-flat", "shaded": "noto", "rounded": "noto-v1", "simple": "twemoji",
    "bright": "emojione", "inked": "streamline-emojis", "soft": "fxemoji"}
# Words that take no article.
PLURAL = set("cherries grapes glasses sunglasses headphones scissors fries pancakes popcorn sushi".split())


def article(words):
    if words.split()[-1] in PLURAL:
        return words
    return ("an " if words[0] in "aeiou" else "a ") + words


def caption(objects, kind):
    """"a dog, a cat and an apple on grass"; `objects` are class words, with or without a trigger before them."""
    things = [article(o) for o in objects]
    text = " and ".join([", ".join(things[:-1])] * (len(things) > 1) + things[-1:])
    return f"{text} {SCENES[kind]}" if kind in SCENES else f"{text} on {article(kind)} background"


def said(r, objects, kind, style=None):
    """A caption of training, mostly the plain one, now and then in other words that people use; and where each object's words stand
    in it: [(start, end)]. `style` is one of STYLES, to be said."""
    words = [r.choice(ALIASES[o]) if o in ALIASES and r.random() < 0.15 else o for o in objects]
    if r.random() < 0.15:
        i = r.randrange(len(words))
        words[i] = f"{r.choice(TRIGGERS)} {words[i]}"
    text = caption(words, kind)
    if r.random() < 0.2:
        text = text.replace(", ", " and ")
    opening = ""
    if style:
        opening = f"{article(style)} {r.choice(('drawing', 'picture'))} of "
    elif r.random() < 0.08:
        opening = r.choice(("a photo of ", "a picture of ", "an image of ", "a drawing of "))
    text, start = opening + text, len(opening)
    spans = []
    for word in words:
        start = text.index(word, start)
        spans.append((start, start + len(word)))
        start += len(word)
    return text, spans
