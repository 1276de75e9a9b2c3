"""Images -> vectors by named descriptors, and tables of them.

    colour.py    HSV histogram, colour moments
    texture.py   local binary patterns, of images and of frame sequences
    sequences.py the vectors of frame sequences
    shape.py     Hu moments, histograms of oriented gradients
    table.py     the vectors of a dataset, in CSV or NPZ

The vectors themselves are imported when a name that needs them is first used, since they need torch or scikit-image.
Descriptors take (H, W, 3) uint8 in RGB and give (D,) float64; they are pure.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from .table import FeatureTable, require_form, write_table

if TYPE_CHECKING:
    from .registry import DESCRIPTORS, SIDE, Descriptor, describe
    from .sequences import tabulate_sequences
    from .tabulation import tabulate
    from .texture import lbp_top

__all__ = [
    "DESCRIPTORS",
    "SIDE",
    "Descriptor",
    "FeatureTable",
    "describe",
    "lbp_top",
    "require_form",
    "tabulate",
    "tabulate_sequences",
    "write_table",
]

# Public name -> module that needs torch or scikit-image.
_PLACES = {
    **dict.fromkeys(("DESCRIPTORS", "SIDE", "Descriptor", "describe"), "registry"),
    "lbp_top": "texture",
    "tabulate": "tabulation",
    "tabulate_sequences": "sequences",
}


def __getattr__(name: str) -> Any:
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f".{_PLACES[name]}", __name__), name)
