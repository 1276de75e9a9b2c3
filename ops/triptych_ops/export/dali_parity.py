"""How far the DALI graph is from the torch reference, measured on the CPU."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from . import dali_graph
from .network import ServedNetwork
from .reference import Reference
from .weights import Weights

_BATCH_SIZE = 16  # images at a time through the network: memory stays bounded


@dataclass(frozen=True, slots=True)
class DaliParity:
    """The graph's pixels against torchvision's, and what the torch network makes of both."""

    dali: str  # version that serialised and ran the graph
    images: int
    pixels_mean_difference: float  # of 255, absolute, over all images
    pixels_max_difference: int
    top1_agreement: float  # share of images whose best class is the same from both pixels


def measure_dali(graph: Path, paths: Sequence[Path], weights: Weights) -> DaliParity:
    """Run the graph for the CPU, and the torch network on its pixels, on JPEG files.

    Raises:
        RuntimeError: DALI cannot decode one of them.
    """
    reference, network = Reference(weights), ServedNetwork(weights).eval()

    def classify(pixels: NDArray[np.uint8]) -> NDArray[np.int64]:
        batches = torch.split(torch.from_numpy(pixels), _BATCH_SIZE)
        with torch.inference_mode():
            classes: NDArray[np.int64] = torch.cat([network(batch)[0].argmax(dim=1) for batch in batches]).numpy()
        return classes

    found = dali_graph.decode(graph, [path.read_bytes() for path in paths])
    return compare_pixels(found, np.stack([reference.pixels(path) for path in paths]), classify=classify)


def compare_pixels(
    found: NDArray[np.uint8],
    expected: NDArray[np.uint8],
    *,
    classify: Callable[[NDArray[np.uint8]], NDArray[np.int64]],
) -> DaliParity:
    """Compare pixels (N, S, S, 3) of the same N images; `classify` gives the best class of each, (N,)."""
    difference = np.abs(found.astype(np.int16) - expected)
    return DaliParity(
        dali=dali_graph.version(),
        images=len(found),
        pixels_mean_difference=float(difference.mean()),
        pixels_max_difference=int(difference.max()),
        top1_agreement=float((classify(found) == classify(expected)).mean()),
    )
