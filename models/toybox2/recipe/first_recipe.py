"""What this recipe has in common with the first Toybox's, which has it: `../../toybox/recipe`. Behind this folder on the path, so that
modules of one name are this recipe's own."""
import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[2] / "toybox" / "recipe"))

import measure  # noqa: E402, F401
from onnx_export import export  # noqa: E402, F401
