"""What a system made of one set of subjects."""
from dataclasses import dataclass

import numpy as np


@dataclass
class Drawn:
    """Pictures in the 16 contexts; the bytes that a phone downloads for each subject; seconds to teach all of them, and to switch them on."""
    pictures: np.ndarray
    bytes: float
    seconds: float
    switch: float | None = None
