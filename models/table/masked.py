"""A subject's mask in PyTorch, on chosen rows of keys and values: what the engine does with scopes, and what it does not do."""
import torch
from safetensors.torch import load_file

from method import KEYS_AND_VALUES, modules


class RowMasked(torch.nn.Module):
    """A bias-free projection with some weights shut, for those rows of its input that `Mask.rows` marks."""

    def __init__(self, linear, shut, mask):
        super().__init__()
        self.linear, self.mask = linear, mask
        keep = torch.ones(linear.weight.numel())
        keep[shut.long()] = 0
        self.kept = linear.weight.detach() * keep.view_as(linear.weight)

    def forward(self, x):
        whole, masked = self.linear(x), torch.nn.functional.linear(x, self.kept)
        return torch.where(self.mask.rows[:len(x), :, None], masked, whole)


class Mask:
    """The mask of a file that `cones export --int32` wrote, put into a U-Net; `remove` takes it out again. `rows` [batch, tokens] says where it counts."""

    def __init__(self, unet, file):
        self.unet, self.rows, self.layers = unet, None, {}
        tensors = load_file(file)
        for name, layer in modules(unet, KEYS_AND_VALUES).items():
            self.layers[name] = layer
            self.put(name, RowMasked(layer, tensors[name], self))

    def put(self, name, layer):
        parent, leaf = name.rsplit(".", 1)
        setattr(self.unet.get_submodule(parent), leaf, layer)

    def remove(self):
        for name, layer in self.layers.items():
            self.put(name, layer)
