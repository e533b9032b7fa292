"""Where things lie. Importing this lets the modules of Toybox's recipe be found (its world, its measure), and the next one's (what makes PyTorch fast)."""
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
for recipe in ("toybox", "toybox2"):
    sys.path.append(str(ROOT / "models" / recipe / "recipe"))
