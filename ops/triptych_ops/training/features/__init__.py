"""Images -> vectors by named descriptors, and tables of them.

    colour.py    HSV histogram, colour moments
    texture.py   local binary patterns, of images and of frame sequences
    shape.py     Hu moments, histograms of oriented gradients
    table.py     the vectors of a dataset, in CSV or NPZ

Descriptors take (H, W, 3) uint8 in RGB and give (D,) float64; they are pure.
"""

from .registry import DESCRIPTORS, SIDE, Descriptor, describe
from .table import FeatureTable, write_table
from .texture import lbp_top

__all__ = ["DESCRIPTORS", "SIDE", "Descriptor", "FeatureTable", "describe", "lbp_top", "write_table"]
