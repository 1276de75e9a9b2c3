"""A float graph -> the same in int8 or fp16, measured against it."""

import logging
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from triptych_ops.errors import UsageError

from .fp16 import to_fp16
from .int8 import Quantiser
from .session import run

LowerPrecision = Literal["int8", "fp16"]

LEAST_CALIBRATION_IMAGES = 32
"""Of int8: with fewer, single outliers decide the ranges, and the held-out half measures nothing."""

AGREEMENT_MINIMUM = 0.98
"""Share of held-out images whose top-1 class int8 must keep before layers stop being left in float."""

# How many of the tensors that quantisation harms most are left in float, tried in this order.
_FLOAT_TENSORS = (1, 2, 3, 4)


@dataclass(frozen=True, slots=True, kw_only=True)
class LoweredGraph:
    """An ONNX file of lower precision, and how well it agrees with the float one."""

    path: Path
    precision: LowerPrecision
    method: str
    calibration_images: int  # 0 of fp16, which needs none
    float_layers: tuple[str, ...]  # those with weights that stayed in float because the accuracy needed it
    top1_agreement: float  # share of `images`, with the float graph
    images: int  # measured on; none of them calibrated


def lower_precision(
    graph: Path,
    path: Path,
    *,
    precision: LowerPrecision,
    calibration: NDArray[np.uint8],
    agreement_minimum: float = AGREEMENT_MINIMUM,
    tie: float = 0.0,
) -> LoweredGraph:
    """Write the float32 `graph` in another precision to `path`; PIXELS stays uint8, the outputs stay float32.

    `calibration` (N, S, S, 3): int8 calibrates on a random half of the images and measures on the
    others; fp16 measures on all. An image counts as agreeing when the float graph gives the class that it lost
    to less than `tie` more probability.

    Raises:
        UsageError: int8 with fewer than `LEAST_CALIBRATION_IMAGES` images.
    """
    measure = _Agreement(graph, tie=tie)
    return _LOWERING[precision](graph, path, calibration, measure, agreement_minimum)


class _Agreement:
    """Share of images to whose top-1 class a graph agrees with the float graph."""

    def __init__(self, graph: Path, *, tie: float) -> None:
        self._graph = graph
        self._tie = tie
        self._expected: NDArray[np.float32] | None = None

    def __call__(self, lowered: Path, images: NDArray[np.uint8]) -> float:
        if self._expected is None:
            self._expected = run(self._graph, images)[0]
        return top1_agreement(run(lowered, images)[0], self._expected, tie=self._tie)


def top1_agreement(logits: NDArray[np.float32], expected: NDArray[np.float32], *, tie: float) -> float:
    """Share of images whose class of the largest logit is the expected one, or within `tie` of its probability.

    `logits` and `expected` are (N, C).
    """
    powers = np.exp(expected - expected.max(axis=1, keepdims=True))
    probabilities = powers / powers.sum(axis=1, keepdims=True)
    lost = probabilities.max(axis=1) - probabilities[np.arange(len(logits)), logits.argmax(axis=1)]
    return float(np.mean((lost == 0) | (lost < tie)))


def _int8(
    graph: Path, path: Path, calibration: NDArray[np.uint8], measure: _Agreement, agreement_minimum: float
) -> LoweredGraph:
    if len(calibration) < LEAST_CALIBRATION_IMAGES:
        raise UsageError(f"{len(calibration)} images calibrate no int8 graph; give at least {LEAST_CALIBRATION_IMAGES}")
    # At random: views come in the order of their photographs, and each half needs some of all.
    order = np.random.default_rng(0).permutation(len(calibration))
    seen, held_out = calibration[order[::2]], calibration[order[1::2]]
    with tempfile.TemporaryDirectory(dir=path.parent) as folder, _quiet():
        quantiser = Quantiser(graph, seen, Path(folder))
        written = nodes = tuple[str, ...]()
        quantiser.write(path, float_nodes=nodes)
        agreement = measure(path, held_out)
        for count in _FLOAT_TENSORS:
            if agreement >= agreement_minimum:
                break
            written = tuple(dict.fromkeys(node for unit in quantiser.ranked()[:count] for node in unit))
            quantiser.write(path, float_nodes=written)
            found = measure(path, held_out)
            if found > agreement:  # of equals, the fewest in float
                agreement, nodes = found, written
        if written != nodes:  # none reached the minimum: back to the best
            quantiser.write(path, float_nodes=nodes)
        float_layers = quantiser.layers(nodes)
    return LoweredGraph(
        path=path,
        precision="int8",
        method=quantiser.method,
        calibration_images=len(seen),
        float_layers=float_layers,
        top1_agreement=agreement,
        images=len(held_out),
    )


def _fp16(
    graph: Path, path: Path, calibration: NDArray[np.uint8], measure: _Agreement, agreement_minimum: float
) -> LoweredGraph:
    del agreement_minimum  # nothing to trade: rounding alone differs
    to_fp16(graph, path)
    return LoweredGraph(
        path=path,
        precision="fp16",
        method="weights and activations rounded to float16",
        calibration_images=0,
        float_layers=(),
        top1_agreement=measure(path, calibration),
        images=len(calibration),
    )


@contextmanager
def _quiet() -> Iterator[None]:
    """Without the root logger's advice on options of quantisation that were weighed here."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        yield
    finally:
        logging.disable(before)


_LOWERING: Mapping[LowerPrecision, Callable[[Path, Path, NDArray[np.uint8], _Agreement, float], LoweredGraph]] = (
    MappingProxyType({"int8": _int8, "fp16": _fp16})
)
