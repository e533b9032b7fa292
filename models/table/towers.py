"""Two towers, one for pictures and one for texts, that meet in one space, as CLIP's do: text alignment and image alignment on Toybox's world."""
from pathlib import Path

import torch
import torch.nn as nn
import torch.nn.functional as F
from safetensors.torch import load_file, save_file

import paths  # noqa: F401
from captions import WORDS, caption
from contexts import CONTEXTS

HERE = Path(__file__).resolve().parent
FILE = HERE / "towers.safetensors"
DIMENSIONS, WIDTH = 128, 128
LONGEST = 32


def words_of(text):
    return text.replace(",", " ,").split()


def vocabulary():
    """The number of each word that captions are made of; 0 stands for nothing."""
    said = {word for kind in CONTEXTS for word in words_of(caption(WORDS[:3], kind))} | {"an", *WORDS}
    return {word: number for number, word in enumerate(["<nothing>", *sorted(said)])}


def numbers(texts, known):
    rows = [[known[word] for word in words_of(text)] for text in texts]
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
    def __init__(self):
        super().__init__()
        self.known = vocabulary()
        self.picture = nn.Sequential(conv(3, 32, 4, 7), conv(32, 48), Residual(48), conv(48, 72, 2), Residual(72), conv(72, 128, 2), Residual(128))
        self.picture_out = nn.Linear(2 * 128, DIMENSIONS)
        self.words = nn.Embedding(len(self.known), WIDTH)
        self.places = nn.Parameter(0.02 * torch.randn(LONGEST, WIDTH))
        layer = nn.TransformerEncoderLayer(WIDTH, 4, 2 * WIDTH, dropout=0.0, batch_first=True, norm_first=True)
        self.text = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
        self.text_out = nn.Linear(WIDTH, DIMENSIONS)
        self.scale = nn.Parameter(torch.tensor(2.3))

    def pictures(self, x):
        """Unit vectors of pictures [n, 3, 128, 128] in -1..1."""
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


def load(file=FILE):
    model = Towers()
    model.load_state_dict({name: value.float() if value.is_floating_point() else value for name, value in load_file(file).items()})
    return model.eval().requires_grad_(False)
