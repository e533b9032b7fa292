"""The Toybox world: emoji artwork composed on the fly into captioned pictures.

Two sizes: 64x64 with 40 classes, for a CPU, and with TOYBOX=large in the environment 128x128 with 84, for a GPU.

Three artwork sets (npm packages, see ARTWORK) give each class several instances, as photographs would.
Some (class, artwork set) pairs are held out: they never appear in training and serve as the new subjects
that concept neurons are found for.
"""
import io
import json
import os
import pickle
import random
from pathlib import Path

from PIL import Image, ImageDraw

LARGE = os.environ.get("TOYBOX") == "large"
# Pictures are laid out on a 64x64 grid, whatever their size.
GRID = 64
SIZE = 128 if LARGE else GRID
SPRITE = 128

# name -> (npm package, version, licence)
ARTWORK = {
    "fluent": ("@iconify-json/fluent-emoji-flat", "1.2.6", "MIT, Microsoft Corporation"),
    "noto": ("@iconify-json/noto", "1.2.9", "Apache-2.0, Google Inc"),
    "twemoji": ("@iconify-json/twemoji", "1.2.5", "CC BY 4.0, Twitter"),
}

# class word -> names of its icon, first match wins
CLASSES = {
    "dog": "dog-face", "cat": "cat-face|cat", "apple": "red-apple", "banana": "banana", "car": "automobile",
    "rocket": "rocket", "tree": "evergreen-tree", "sunflower": "sunflower", "umbrella": "umbrella",
    "guitar": "guitar", "balloon": "balloon", "pizza": "pizza", "frog": "frog|frog-face", "pig": "pig-face",
    "owl": "owl", "fox": "fox|fox-face", "bear": "bear|bear-face", "panda": "panda|panda-face",
    "tiger": "tiger-face", "lion": "lion|lion-face", "cow": "cow-face", "monkey": "monkey-face",
    "rabbit": "rabbit-face", "octopus": "octopus", "turtle": "turtle", "butterfly": "butterfly",
    "penguin": "penguin", "mushroom": "mushroom", "cactus": "cactus", "strawberry": "strawberry",
    "carrot": "carrot", "donut": "doughnut", "bus": "bus", "bicycle": "bicycle", "crown": "crown",
    "camera": "camera", "key": "key", "robot": "robot|robot-face", "ghost": "ghost", "house": "house",
}

# The large world's other classes; icon and class word are the same.
MORE = (
    "airplane anchor ant avocado bell broccoli rooster cherries cloud crab crocodile deer dolphin drum "
    "duck egg elephant fish tulip giraffe grapes hamburger hammer hedgehog helicopter koala lemon onion "
    "peacock pear pineapple sailboat shark snail snowman spider trumpet unicorn violin watch watermelon "
    "whale zebra tractor "
)
if LARGE:
    CLASSES |= {word: word for word in MORE.split()}

# The Fluent drawings of these classes are never shown in training.
HELD_OUT = [("fluent", c) for c in (
    "dog", "cat", "bear", "car", "owl", "robot", "fox", "rabbit", "mushroom", "guitar", "house", "turtle",
    "penguin", "octopus")]

COLOURS = {
    "red": (214, 60, 60), "blue": (70, 110, 220), "green": (60, 160, 80), "yellow": (240, 210, 70),
    "pink": (240, 150, 190), "purple": (130, 80, 180), "white": (245, 245, 245), "gray": (140, 140, 140),
}
SCENES = {
    "grass": "on grass", "snow": "in the snow", "night": "at night", "beach": "on the beach",
    "brick": "in front of a brick wall", "water": "in the water", "desert": "in the desert",
    "sunset": "at sunset",
}
CONTEXTS = list(SCENES) + list(COLOURS)
TRIGGERS = ["<v1>", "<v2>", "<v3>", "<v4>"]


def load_sprites(npm, cache):
    """All sprites as {(artwork set, class): RGBA image}; rendered once from the SVG bodies under `npm`."""
    cache = Path(cache)
    if cache.exists():
        return pickle.loads(cache.read_bytes())
    import cairosvg
    sprites = {}
    for name, (package, _, _) in ARTWORK.items():
        icons = json.loads((Path(npm) / package / "icons.json").read_text())
        for word, names in CLASSES.items():
            icon = next(icons["icons"][n] for n in names.split("|") if n in icons["icons"])
            width = icon.get("width", icons.get("width", 32))
            height = icon.get("height", icons.get("height", 32))
            svg = (f'<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" '
                   f'viewBox="0 0 {width} {height}">{icon["body"]}</svg>')
            png = cairosvg.svg2png(svg.encode(), output_width=SPRITE, output_height=SPRITE)
            sprites[(name, word)] = Image.open(io.BytesIO(png)).convert("RGBA")
    cache.write_bytes(pickle.dumps(sprites))
    return sprites


def training_keys(sprites):
    return [k for k in sprites if k not in HELD_OUT]


def background(r, kind):
    """A GRID x GRID picture of the context `kind`; details vary with the random generator `r`."""
    im = Image.new("RGB", (GRID, GRID))
    d = ImageDraw.Draw(im)
    full = (0, 0, GRID, GRID)

    def near(colour, spread=10):
        return tuple(max(0, min(255, v + r.randint(-spread, spread))) for v in colour)

    if kind in COLOURS:
        d.rectangle(full, fill=near(COLOURS[kind]))
    elif kind == "grass":
        y = r.randint(22, 36)
        d.rectangle(full, fill=near((150, 210, 250)))
        d.rectangle((0, y, GRID, GRID), fill=near((80, 170, 70)))
        for _ in range(40):
            x, yy = r.randint(0, GRID), r.randint(y, GRID)
            d.line((x, yy, x, yy - 3), fill=(50, 130, 50))
    elif kind == "snow":
        y = r.randint(22, 36)
        d.rectangle(full, fill=near((170, 190, 215)))
        d.rectangle((0, y, GRID, GRID), fill=(240, 245, 250))
        for _ in range(25):
            x, yy = r.randint(0, GRID), r.randint(0, GRID)
            d.ellipse((x, yy, x + 1, yy + 1), fill=(255, 255, 255))
    elif kind == "night":
        d.rectangle(full, fill=near((18, 20, 60), 6))
        for _ in range(25):
            d.point((r.randint(0, GRID), r.randint(0, GRID)), fill=(255, 255, 210))
        x = r.randint(4, 50)
        d.ellipse((x, 4, x + 8, 12), fill=(250, 245, 200))
    elif kind == "beach":
        y = r.randint(16, 24)
        y2 = y + r.randint(8, 14)
        d.rectangle(full, fill=near((140, 205, 250)))
        d.rectangle((0, y, GRID, y2), fill=near((40, 120, 200)))
        d.rectangle((0, y2, GRID, GRID), fill=near((238, 214, 160)))
    elif kind == "brick":
        d.rectangle(full, fill=near((170, 80, 60)))
        for k, y in enumerate(range(0, GRID, 8)):
            d.line((0, y, GRID, y), fill=(210, 190, 180))
            for x in range((k % 2) * 6, GRID, 12):
                d.line((x, y, x, y + 8), fill=(210, 190, 180))
    elif kind == "water":
        d.rectangle(full, fill=near((40, 120, 210)))
        for _ in range(14):
            x, y = r.randint(0, GRID), r.randint(0, GRID)
            d.arc((x, y, x + 10, y + 5), 180, 360, fill=(190, 220, 250))
    elif kind == "desert":
        y = r.randint(26, 38)
        d.rectangle(full, fill=near((250, 215, 150)))
        d.rectangle((0, y, GRID, GRID), fill=near((215, 150, 80)))
        for _ in range(2):
            x, w = r.randint(-10, GRID), r.randint(20, 40)
            d.ellipse((x, y - 5, x + w, y + 12), fill=near((205, 138, 70), 4))
    elif kind == "sunset":
        top, low = near((110, 60, 140)), near((250, 140, 70))
        y = r.randint(40, 50)
        for row in range(y):
            t = row / y
            d.line((0, row, GRID, row), fill=tuple(round(a + (b - a) * t) for a, b in zip(top, low)))
        x = r.randint(6, 46)
        d.ellipse((x, y - 9, x + 14, y + 5), fill=(255, 225, 120))
        d.rectangle((0, y, GRID, GRID), fill=near((60, 40, 60), 6))
    else:
        raise ValueError(f"unknown context {kind!r}")
    return im


def places(r, count):
    """(x, y, size) of each of `count` objects: one anywhere, two side by side, three or four in a grid."""
    if count == 1:
        s = r.randint(32, 54)
        return [(r.randint(0, GRID - s), r.randint(max(0, GRID // 2 - s // 2 - 6), GRID - s), s)]
    half = GRID // 2
    cells = [(0, 0), (1, 0)] if count == 2 else [(0, 0), (1, 0), (0, 1), (1, 1)][:count]
    spots = []
    for cx, cy in cells:
        s = r.randint(25, 32)
        y = (GRID - s) // 2 + r.randint(0, 10) if count == 2 else cy * half + r.randint(0, half - s)
        spots.append((cx * half + r.randint(0, max(0, half - s)), min(y, GRID - s), s))
    return spots


def compose(r, sprites, keys, kind, shapes=None):
    """A picture of the sprites `keys` in the context `kind`. A list `shapes` is given where each of them is, white on black."""
    unit = SIZE // GRID
    im = background(r, kind)
    if unit > 1:
        im = im.resize((SIZE, SIZE), Image.BICUBIC)
    for (x, y, s), key in zip(places(r, len(keys)), keys):
        x, y, s = x * unit, y * unit, s * unit
        sprite = sprites[key].resize((s, s), Image.LANCZOS)
        if r.random() < 0.5:
            sprite = sprite.transpose(Image.FLIP_LEFT_RIGHT)
        im.paste(sprite, (x, y), sprite)
        if shapes is not None:
            shape = Image.new("L", im.size)
            shape.paste(sprite.getchannel("A"), (x, y))
            shapes.append(shape.point(lambda alpha: 255 if alpha >= 128 else 0).convert("1"))
    return im


def article(words):
    return ("an " if words[0] in "aeiou" else "a ") + words


def caption(objects, kind):
    """"a dog and an apple on grass"; `objects` are class words, with or without a trigger before them."""
    text = " and ".join(article(o) for o in objects)
    return f"{text} {SCENES[kind]}" if kind in SCENES else f"{text} on a {kind} background"


def context(r):
    return r.choice(list(SCENES)) if r.random() < 0.6 else r.choice(list(COLOURS))


def sample(r, sprites, keys):
    """One training example: picture, caption. One caption in ten is empty (for guidance); in one of eight a
    trigger token stands before a class word, so that the bare trigger means nothing in particular."""
    count = r.choices([1, 2, 3, 4], [0.5, 0.34, 0.08, 0.08])[0]
    items = []
    while len(items) < count:
        key = r.choice(keys)
        if key[1] not in [k[1] for k in items]:
            items.append(key)
    kind = context(r)
    objects = [k[1] for k in items]
    if r.random() < 0.125:
        i = r.randrange(count)
        objects[i] = f"{r.choice(TRIGGERS)} {objects[i]}"
    text = "" if r.random() < 0.1 else caption(objects, kind)
    return compose(r, sprites, items, kind), text


def sheet(pictures, columns, scale=1):
    rows = -(-len(pictures) // columns)
    size = pictures[0].width
    out = Image.new("RGB", (columns * size, rows * size))
    for i, p in enumerate(pictures):
        out.paste(p, ((i % columns) * size, (i // columns) * size))
    return out.resize((out.width * scale, out.height * scale), Image.NEAREST) if scale > 1 else out


def seeded(seed):
    return random.Random(seed)
