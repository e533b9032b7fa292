"""What the measures are trained on: Toybox's compositions, of more artwork than Toybox knows.

An identity is one drawing of one thing by one artist. Toybox's own 106 training drawings are identities, and so are the
other objects that all three artwork sets have, so that the embedding learns to tell drawings apart and not a list of
drawings by heart. Never trained on:

- the 14 held-out subjects (`world.HELD_OUT`), and any other icon that shows a thing of Toybox's classes once more,
- the classes that only the large world has (`world.MORE`): 44 classes of three drawings, by which training is watched.
"""
import io
import json
import pickle
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image

import world

# Words in the names of icons that are signs, letters, faces or people: no objects, or too much alike.
NO_OBJECTS = set("""
    man woman person men mens women womens mans girl boy baby child people older old mx mrs artist astronaut cook
    detective farmer firefighter guard judge mechanic pilot police officer prince princess scientist singer student
    teacher technologist worker santa claus breast feeding pregnant selfie skier snowboarder horse ninja face faces
    button keycap square circle diamond arrow arrows oclock thirty japanese letters lowercase uppercase numbers symbols
    aquarius aries cancer capricorn gemini leo libra ophiuchus pisces sagittarius scorpio taurus virgo
    sign mark hand hands handed finger fingers fist index thumbs palm palms pushing rightwards leftwards gesture salute
    no non prohibited restroom room closet litter customs passport baggage claim left luggage
    medal banknote moon clock heart hearts star om khanda multiply plus minus divide equals infinity trade registered
    copyright curly loop dash dashing anger bubble speaker zzz information number hundred part alternation circled
    wheelchair female male transgender suit cross triangle pointed triangular atom radioactive biohazard recycling
    trident fleur yin wheel peace menorah latin orthodox eight spoked pool bust busts silhouette footprints speaking
    wavy hole cyclone antenna bars vibration mobile phone phones off flag flags wireless children crossing pedestrians
    bicycles input rolling head chart fog foggy sparkle sparkles
    """.split())
# Other words for Toybox's things: they would show a held-out subject's twin, or a second identity for one drawing.
ALIKE = set("""
    automobile cars taxi suv minibus trolleybus houses home hut castle poodle wolf kitten bunny polar teddy doughnut
    fungus evergreen deciduous tanabata apples bull ox buffalo boar hare raccoon lady chicken hen chick hatching turkey
    dromedary squid toad gorilla orangutan racing sport sports utility vehicle vehicles
    """.split())


def names_in_common(icons):
    """Names of the further icons, those that all three sets have."""
    taken = {w + s for w in list(world.CLASSES) + world.MORE.split() for s in ("", "s")} | ALIKE | NO_OBJECTS
    common = set.intersection(*(set(i["icons"]) for i in icons.values()))
    return sorted(n for n in common if not taken & set(n.split("-")))


def render(icons, name):
    import cairosvg
    icon = icons["icons"][name]
    width, height = (icon.get(k, icons.get(k, 32)) for k in ("width", "height"))
    svg = (f'<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" '
           f'viewBox="0 0 {width} {height}">{icon["body"]}</svg>')
    png = cairosvg.svg2png(svg.encode(), output_width=world.SPRITE, output_height=world.SPRITE)
    return Image.open(io.BytesIO(png)).convert("RGBA")


def alike(a, b):
    """Whether two drawings can hardly be told apart at the size at which they are shown."""
    a, b = (np.asarray(i.resize((24, 24), Image.BOX).convert("RGBa"), np.float32) for i in (a, b))
    return np.abs(a - b).mean() < 8


def load(npm, work):
    """(all sprites, keys to train on, keys to watch by): Toybox's and the further ones; rendered once."""
    work = Path(work)
    sprites = dict(world.load_sprites(npm, work / "sprites.pkl"))
    cache = work / "further.pkl"
    if not cache.exists():
        icons = {a: json.loads((Path(npm) / package / "icons.json").read_text())
                 for a, (package, _, _) in world.ARTWORK.items()}
        found = {}
        for group, names in (("further", names_in_common(icons)), ("watched", world.MORE.split())):
            for name in names:
                own = []
                for a in icons:
                    picture = render(icons[a], name) if name in icons[a]["icons"] else None
                    # Two artists sometimes draw the same; they are one identity then.
                    if picture is not None and not any(alike(picture, o) for o in own):
                        own.append(picture)
                        found[(a, name)] = (group, picture)
        cache.write_bytes(pickle.dumps(found))
    train, watched = world.training_keys(sprites), []
    for key, (group, picture) in pickle.loads(cache.read_bytes()).items():
        if key not in sprites:
            sprites[key] = picture
            (train if group == "further" else watched).append(key)
    # The large world knows the classes to watch by; it is trained blind.
    return sprites, train, watched


def compose(r, sprites, keys, kind, bend=False):
    """`world.compose` (64x64) that also returns where the objects are: (picture, masks [objects, 8, 8] in 0..1).

    With `bend`, each object is turned and stretched a little, as a model that draws by itself may do.
    """
    im, masks = world.background(r, kind), []
    for (x, y, s), key in zip(world.places(r, len(keys)), keys):
        size = (round(s * r.uniform(0.85, 1)), round(s * r.uniform(0.85, 1))) if bend else (s, s)
        sprite = sprites[key].resize(size, Image.LANCZOS)
        if bend:
            sprite = sprite.rotate(r.uniform(-10, 10), Image.BILINEAR)
        if r.random() < 0.5:
            sprite = sprite.transpose(Image.FLIP_LEFT_RIGHT)
        im.paste(sprite, (x, y), sprite)
        mask = Image.new("L", im.size)
        mask.paste(sprite.getchannel("A"), (x, y))
        masks.append(np.asarray(mask.resize((8, 8), Image.BOX), np.float32) / 255)
    return im, np.stack(masks)


def choose(r, keys, own, count, share=0.5):
    """`count` identities with different names: Toybox's `own` for this share of them, else any of `keys`."""
    items = []
    while len(items) < count:
        key = r.choice(own if r.random() < share else keys)
        if key[1] not in [k[1] for k in items]:
            items.append(key)
    return items


def as_input(pictures):
    """uint8 [n, side, side, 3] to what the networks read: float32 [n, 3, 64, 64] in -1..1. The large world is looked at smaller."""
    x = torch.from_numpy(np.ascontiguousarray(pictures)).permute(0, 3, 1, 2).float() / 127.5 - 1
    return x if x.shape[-1] == world.GRID else F.interpolate(x, size=(world.GRID, world.GRID), mode="area")
