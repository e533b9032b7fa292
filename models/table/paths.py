"""Where things lie. Importing this lets the modules of Toybox's recipe be found (its world, its measure, what makes PyTorch fast), and what benches have in
common (`kept`)."""
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
for folder in ("toybox/recipe", "bench"):
    sys.path.append(str(ROOT / "models" / folder))
