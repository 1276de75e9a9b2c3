"""Labelled images: where they lie, how they are read. No torch.

Forbidden inside: networks, runs. Each format's foreign package is imported by its own module alone.
"""

from .dataset import Dataset, Sample
from .opening import open_dataset

__all__ = ["Dataset", "Sample", "open_dataset"]
