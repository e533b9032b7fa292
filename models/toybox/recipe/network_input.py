"""Pictures as the measures' networks read them. numpy only."""
import numpy as np


def as_input(pictures):
    """Float32 [n, 3, height, width] in -1..1, of uint8 [n, height, width, 3]."""
    return np.ascontiguousarray(pictures.transpose(0, 3, 1, 2), np.float32) / 127.5 - 1
