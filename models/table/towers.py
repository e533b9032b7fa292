"""Two towers, one for pictures and one for texts, that meet in one space, as CLIP's do: text alignment and image alignment on Toybox's world."""
from pathlib import Path

import torch
import torch.nn as nn
import torch.nn.functional as F
from safetensors.torch import load_file, save_file

HERE = Path(__file__).resolve().parent
FILE = HERE / "towers.safetensors"
DIMENSIONS, WIDTH = 128, 128
# What captions of the world are made of, besides its things.
WORDS = """<nothing> a an and on in at the of background front brick wall grass snow night beach water desert sunset red blue green yellow pink
purple white gray""".split()
LONGEST = 32


def vocabulary(things):
    """The number of each word; 0 stands for nothing."""
    return {word: number for number, word in enumerate([*WORDS, *things])}


def numbers(texts, known):
    rows = [[known[word] for word in text.split()] for text in texts]
    return torch.tensor([row + [0] * (LONGEST - len(row)) for row in rows])


def conv(a, b, stride=1, size=3):
    return nn.Sequential(nn.Conv2d(a, b, size, stride, (size - 1) // 2, bias=False), nn.BatchNorm2d(b), nn.ReLU())


class Residual(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.body = nn.Sequential(conv(width, width), nn.Conv2d(width, width, 3, 1, 1, bias=False), nn.BatchNorm2d(width))

    def forward(self, x):
        return F.relu(x + self.body(x))


class Towers(nn.Module):
    def __init__(self, things):
        super().__init__()
        self.known = vocabulary(things)
        self.picture = nn.Sequential(conv(3, 32, 2, 6), conv(32, 48), Residual(48), conv(48, 72, 2), Residual(72), conv(72, 128, 2), Residual(128))
        self.picture_out = nn.Linear(2 * 128, DIMENSIONS)
        self.words = nn.Embedding(len(self.known), WIDTH)
        self.places = nn.Parameter(0.02 * torch.randn(LONGEST, WIDTH))
        layer = nn.TransformerEncoderLayer(WIDTH, 4, 2 * WIDTH, dropout=0.0, batch_first=True, norm_first=True)
        self.text = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
        self.text_out = nn.Linear(WIDTH, DIMENSIONS)
        self.scale = nn.Parameter(torch.tensor(2.3))

    def pictures(self, x):
        """Unit vectors of pictures [n, 3, 64, 64] in -1..1."""
        h = self.picture(x)
        return F.normalize(self.picture_out(torch.cat([h.mean((2, 3)), h.amax((2, 3))], 1)))

    def texts(self, texts):
        """Unit vectors of captions in the world's words."""
        ids = numbers(texts, self.known)
        h = self.text(self.words(ids) + self.places, src_key_padding_mask=ids == 0)
        there = (ids != 0)[..., None]
        return F.normalize(self.text_out((h * there).sum(1) / there.sum(1)))


def save(model, file=FILE):
    small = {name: value.half() if value.is_floating_point() else value for name, value in model.state_dict().items()}
    save_file({name: value.contiguous() for name, value in small.items()}, file)


def load(things, file=FILE):
    model = Towers(things)
    model.load_state_dict({name: value.float() if value.is_floating_point() else value for name, value in load_file(file).items()})
    return model.eval().requires_grad_(False)
