"""Weights -> a program of torch's, which other converters read."""

import warnings
from pathlib import Path

import torch

from .network import ServedNetwork
from .weights import Weights


def write_program(weights: Weights, path: Path) -> None:
    """Write the served network for one image: PIXELS (1, S, S, 3) uint8 -> LOGITS (1, C), EMBEDDING (1, D) float32."""
    side = weights.preprocessing.crop
    pixels = torch.zeros((1, side, side, 3), dtype=torch.uint8)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the exporter's own deprecations
        torch.export.save(torch.export.export(ServedNetwork(weights).eval(), (pixels,)), path)
