"""Images -> vectors by named descriptors, and tables of them.

    colour.py    HSV histogram, colour moments
    texture.py   local binary patterns, of images and of frame sequences
    sequences.py the vectors of frame sequences
    shape.py     Hu moments, histograms of oriented gradients
    table.py     the vectors of a dataset, in CSV or NPZ

Descriptors take (H, W, 3) uint8 in RGB and give (D,) float64; they are pure.
"""

from .registry import DESCRIPTORS, SIDE, Descriptor, describe
from .sequences import tabulate_sequences
from .table import FeatureTable, require_form, write_table
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
