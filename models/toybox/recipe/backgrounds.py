"""The backgrounds of Toybox: where things stand. Each is drawn anew from a random generator, so no two are the same."""
import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from contexts import COLOURS, SCENES

SIZE = 128
# Drawn at twice the size and scaled down, so that edges are smooth.
GRID = 256

# Where nothing stands on a ground, nothing throws a shadow on it.
FLOATING = {"night", "brick", "water", "space", "sea", "rain"}


def near(r, colour, spread=10):
    return tuple(max(0, min(255, v + r.randint(-spread, spread))) for v in colour)


def gradient(im, top, low, y0=0, y1=GRID):
    d = ImageDraw.Draw(im)
    for y in range(y0, y1):
        t = (y - y0) / max(1, y1 - y0)
        d.line((0, y, GRID, y), fill=tuple(round(a + (b - a) * t) for a, b in zip(top, low)))


def clouds(r, d, bottom, colour, count):
    for _ in range(count):
        x, y, w = r.randint(-20, GRID), r.randint(4, max(5, bottom - 40)), r.randint(30, 60)
        for k in range(3):
            d.ellipse((x + k * w // 3, y - (k == 1) * w // 6, x + k * w // 3 + w // 2, y + w // 4), fill=colour)


def ridge(r, d, base, height, colour, step):
    """A line of hills: a polygon down to the picture's lower edge."""
    points = [(-step, base)]
    for x in range(-step // 2, GRID + step, step):
        points.append((x + r.randint(-step // 5, step // 5), base - r.randint(height // 3, height)))
    d.polygon(points + [(GRID + step, GRID), (-step, GRID)], fill=colour)


def grass(r, im, d):
    y = r.randint(96, 140)
    gradient(im, near(r, (110, 185, 245)), near(r, (190, 225, 250)), 0, y)
    clouds(r, d, y, (245, 250, 255), r.randint(1, 3))
    gradient(im, near(r, (110, 190, 80)), near(r, (60, 145, 60)), y)
    for _ in range(90):
        x, yy = r.randint(0, GRID), r.randint(y + 4, GRID)
        d.line((x, yy, x + r.randint(-3, 3), yy - r.randint(8, 14)), fill=near(r, (45, 125, 45)), width=2)


def snow(r, im, d):
    y = r.randint(96, 140)
    gradient(im, near(r, (150, 175, 210)), near(r, (205, 220, 235)), 0, y)
    ridge(r, d, y + 6, 26, near(r, (215, 225, 238), 5), 70)
    gradient(im, (248, 251, 254), (226, 234, 244), y)
    for _ in range(50):
        x, yy, s = r.randint(0, GRID), r.randint(0, GRID), r.randint(3, 6)
        d.ellipse((x, yy, x + s, yy + s), fill=(255, 255, 255))


def night(r, im, d):
    gradient(im, near(r, (10, 12, 45), 5), near(r, (35, 40, 95), 8))
    for _ in range(45):
        x, y, s = r.randint(0, GRID), r.randint(0, GRID), r.choice((2, 2, 3, 4))
        d.ellipse((x, y, x + s, y + s), fill=near(r, (250, 245, 205), 5))
    x = r.randint(10, 200)
    d.ellipse((x, 14, x + 36, 50), fill=(250, 245, 205))
    d.ellipse((x + 10, 10, x + 42, 44), fill=(22, 25, 66))


def beach(r, im, d):
    y = r.randint(64, 96)
    y2 = y + r.randint(32, 56)
    gradient(im, near(r, (100, 190, 250)), near(r, (185, 228, 250)), 0, y)
    clouds(r, d, y, (250, 252, 255), r.randint(0, 2))
    gradient(im, near(r, (30, 105, 190)), near(r, (70, 170, 215)), y, y2)
    gradient(im, near(r, (245, 225, 175)), near(r, (225, 195, 135)), y2)
    points = [(x, y2 + r.randint(-3, 5)) for x in range(0, GRID + 32, 32)]
    d.line(points, fill=(250, 252, 255), width=5)


def brick(r, im, d):
    d.rectangle((0, 0, GRID, GRID), fill=(205, 188, 178))
    base, h, w = near(r, (172, 82, 60)), 28, 56
    for k, y in enumerate(range(-r.randint(0, h), GRID, h)):
        for x in range(-w + (k % 2) * w // 2, GRID, w):
            d.rectangle((x + 2, y + 2, x + w - 3, y + h - 3), fill=near(r, base, 9))


def water(r, im, d):
    gradient(im, near(r, (70, 160, 225)), near(r, (25, 90, 180)))
    for _ in range(22):
        x, y, w = r.randint(-20, GRID), r.randint(0, GRID), r.randint(26, 48)
        d.arc((x, y, x + w, y + w // 2), 200, 340, fill=near(r, (190, 225, 250)), width=3)


def desert(r, im, d):
    y = r.randint(104, 150)
    gradient(im, near(r, (245, 200, 130)), near(r, (252, 228, 180)), 0, y)
    x = r.randint(20, 190)
    d.ellipse((x, 16, x + 40, 56), fill=(255, 245, 205))
    ridge(r, d, y + 10, 34, near(r, (222, 165, 95), 5), 110)
    ridge(r, d, y + 60, 46, near(r, (212, 150, 80), 5), 140)


def sunset(r, im, d):
    y = r.randint(150, 190)
    gradient(im, near(r, (95, 55, 135)), near(r, (252, 150, 75)), 0, y)
    x = r.randint(24, 180)
    d.ellipse((x, y - 36, x + 56, y + 20), fill=(255, 228, 125))
    gradient(im, near(r, (85, 50, 75), 6), near(r, (40, 28, 50), 6), y)


def forest(r, im, d):
    y = r.randint(130, 165)
    gradient(im, near(r, (175, 215, 175)), near(r, (205, 230, 190)), 0, y)
    gradient(im, near(r, (90, 120, 60)), near(r, (60, 90, 45)), y)
    for depth in (0, 1):
        for x in range(-20, GRID, 44):
            x += r.randint(-12, 12)
            green, low = near(r, ((95, 150, 100), (45, 105, 65))[depth]), y + depth * 14
            d.rectangle((x + 14, low - 30, x + 22, low), fill=near(r, (95, 70, 50)))
            for k in range(3):
                top = low - 30 - k * 26 - r.randint(0, 6)
                d.polygon([(x + 18, top - 36), (x - 8 + 5 * k, top + 6), (x + 44 - 5 * k, top + 6)], fill=green)


def space(r, im, d):
    gradient(im, near(r, (8, 6, 22), 4), near(r, (24, 12, 48), 6))
    for _ in range(70):
        x, y, s = r.randint(0, GRID), r.randint(0, GRID), r.choice((1, 2, 2, 3))
        d.ellipse((x, y, x + s, y + s), fill=near(r, (225, 230, 255), 25))
    s, x, y = r.randint(44, 80), r.randint(0, 200), r.randint(0, 80)
    d.ellipse((x, y, x + s, y + s), fill=near(r, r.choice(((190, 110, 80), (90, 130, 190), (170, 150, 100))), 15))
    d.ellipse((x - 16, y + s // 2 - 6, x + s + 16, y + s // 2 + 8), outline=near(r, (205, 190, 165)), width=4)


def sea(r, im, d):
    gradient(im, near(r, (60, 175, 200)), near(r, (10, 60, 115)))
    for _ in range(16):
        x, y, s = r.randint(0, GRID), r.randint(0, 200), r.randint(5, 13)
        d.ellipse((x, y, x + s, y + s), outline=(190, 230, 240), width=2)
    ridge(r, d, 236, 18, near(r, (205, 185, 130)), 60)
    for _ in range(7):
        x, h = r.randint(0, GRID), r.randint(36, 80)
        points = [(x + (-6, 6)[k % 2], 246 - k * h // 5) for k in range(6)]
        d.line(points, fill=near(r, (40, 135, 85)), width=6, joint="curve")


def rain(r, im, d):
    gradient(im, near(r, (95, 108, 125)), near(r, (145, 158, 172)))
    clouds(r, d, 90, near(r, (118, 130, 146)), 5)
    for _ in range(70):
        x, y = r.randint(0, GRID), r.randint(0, GRID)
        d.line((x, y, x - 5, y + 16), fill=near(r, (185, 205, 228)), width=2)


def room(r, im, d):
    y = r.randint(158, 186)
    wall = near(r, r.choice(((232, 214, 188), (200, 216, 224), (226, 204, 210), (206, 220, 200))))
    d.rectangle((0, 0, GRID, y), fill=wall)
    x = r.choice((18, 160))
    d.rectangle((x, 26, x + 76, 104), fill=(250, 250, 248))
    d.rectangle((x + 6, 32, x + 70, 98), fill=near(r, (160, 210, 245)))
    d.line((x + 38, 32, x + 38, 98), fill=(250, 250, 248), width=5)
    d.line((x + 6, 65, x + 70, 65), fill=(250, 250, 248), width=5)
    gradient(im, near(r, (165, 115, 75)), near(r, (130, 85, 55)), y)
    d.rectangle((0, y - 7, GRID, y), fill=(245, 243, 238))


def road(r, im, d):
    y = r.randint(110, 140)
    gradient(im, near(r, (135, 195, 245)), near(r, (205, 230, 248)), 0, y)
    d.rectangle((0, y - 8, GRID, y + 10), fill=near(r, (105, 170, 85)))
    gradient(im, near(r, (105, 108, 114)), near(r, (78, 80, 86)), y + 10)
    shift, line = r.randint(0, 50), y + 10 + (GRID - y) // 2
    for x in range(-shift, GRID, 70):
        d.rectangle((x, line, x + 38, line + 8), fill=(240, 235, 215))


def street(r, im, d):
    y = r.randint(160, 184)
    gradient(im, near(r, (150, 195, 235)), near(r, (215, 228, 240)), 0, y)
    x = -r.randint(0, 30)
    while x < GRID:
        w, top = r.randint(40, 66), r.randint(24, 96)
        d.rectangle((x, top, x + w, y), fill=near(r, r.choice(((178, 120, 100), (150, 150, 165), (200, 176, 140), (130, 140, 150)))))
        for wy in range(top + 10, y - 14, 22):
            for wx in range(x + 8, x + w - 12, 18):
                d.rectangle((wx, wy, wx + 9, wy + 11), fill=(232, 232, 205))
        x += w
    gradient(im, near(r, (178, 178, 180)), near(r, (140, 140, 144)), y)


def hills(r, im, d):
    gradient(im, near(r, (120, 180, 240)), near(r, (222, 236, 248)))
    ridge(r, d, 150, 96, near(r, (140, 155, 185)), 90)
    ridge(r, d, 180, 60, near(r, (105, 145, 125)), 80)
    ridge(r, d, 214, 34, near(r, (95, 165, 90)), 70)


def table(r, im, d):
    y = r.randint(110, 140)
    d.rectangle((0, 0, GRID, y), fill=near(r, r.choice(((236, 226, 208), (205, 214, 216), (222, 206, 196)))))
    base = near(r, (176, 122, 74))
    step = r.randint(26, 34)
    for yy in range(y, GRID, step):
        d.rectangle((0, yy, GRID, yy + step), fill=near(r, base, 9))
        d.line((0, yy, GRID, yy), fill=near(r, (120, 78, 45), 5), width=2)


def meadow(r, im, d):
    y = r.randint(76, 110)
    gradient(im, near(r, (130, 200, 250)), near(r, (210, 235, 250)), 0, y)
    gradient(im, near(r, (130, 200, 95)), near(r, (80, 165, 70)), y)
    for _ in range(44):
        x, yy = r.randint(0, GRID), r.randint(y + 6, GRID)
        s = 4 + (yy - y) // 26
        colour = r.choice(((250, 250, 250), (245, 205, 65), (235, 95, 120), (175, 110, 215)))
        for dx, dy in ((-s, 0), (s, 0), (0, -s), (0, s)):
            d.ellipse((x + dx - s, yy + dy - s, x + dx + s, yy + dy + s), fill=colour)
        d.ellipse((x - s // 2, yy - s // 2, x + s // 2, yy + s // 2), fill=(240, 180, 50))


def stage(r, im, d):
    y = r.randint(176, 200)
    dark, light = near(r, (120, 20, 35), 8), near(r, (165, 35, 50), 8)
    w = r.randint(20, 28)
    for k, x in enumerate(range(-r.randint(0, w), GRID, w)):
        d.rectangle((x, 0, x + w, y), fill=(dark, light)[k % 2])
    gradient(im, near(r, (190, 140, 90)), near(r, (140, 95, 60)), y)
    x = r.randint(40, 216)
    light = Image.new("L", im.size)
    ImageDraw.Draw(light).polygon([(x - 10, 0), (x + 10, 0), (x + 100, GRID), (x - 100, GRID)], fill=70)
    im.paste((255, 240, 200), (0, 0), light.filter(ImageFilter.GaussianBlur(8)))


DRAW = {name: globals()[name] for name in SCENES}


def background(r, kind):
    """A SIZE x SIZE x 3 uint8 picture of the context `kind`; details vary with the random generator `r`."""
    im = Image.new("RGB", (GRID, GRID))
    d = ImageDraw.Draw(im)
    if kind in COLOURS:
        colour = near(r, COLOURS[kind])
        gradient(im, near(r, colour, 5), near(r, colour, 5))
    else:
        DRAW[kind](r, im, d)
    return np.asarray(im.resize((SIZE, SIZE), Image.BOX))
