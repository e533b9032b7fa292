"""The contexts in which the table's systems draw: sixteen of Toybox's twenty-nine."""
import paths  # noqa: F401
from captions import caption
from make_subjects import CONTEXTS as TAUGHT

# Those of the subjects' pictures come first; what is drawn in these may be known by heart.
KINDS = TAUGHT + "night water desert sunset forest sea street table yellow red".split()


def in_contexts(called):
    """A prompt with these words in each of the contexts."""
    return [caption(called, kind) for kind in KINDS]
