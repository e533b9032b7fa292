"""What this recipe has in common with the next Toybox's, which has it: `../../toybox2/recipe`. Behind this folder on the path, so
that modules of one name are this recipe's own."""
import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[2] / "toybox2" / "recipe"))

import clip_bpe  # noqa: E402, F401
import fast  # noqa: E402, F401
