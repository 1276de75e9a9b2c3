"""Graphs under ONNX Runtime, on this machine's CPU."""

from pathlib import Path

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from triptych import contract

PIXELS, LOGITS, EMBEDDING = "PIXELS", "LOGITS", contract.EMBEDDING

_BATCH_SIZE = 8  # images at a time: memory stays bounded, and larger ones are no faster on a CPU


def run(graph: Path | bytes, pixels: NDArray[np.uint8]) -> list[NDArray[np.float32]]:
    """LOGITS (N, C) and EMBEDDING (N, D) of PIXELS (N, S, S, 3), from a graph's file or bytes."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3  # errors: what it warns of is what it optimises away
    session = onnxruntime.InferenceSession(
        graph if isinstance(graph, bytes) else str(graph), options, providers=["CPUExecutionProvider"]
    )
    starts = range(0, len(pixels), _BATCH_SIZE)
    batches = [session.run([LOGITS, EMBEDDING], {PIXELS: pixels[start : start + _BATCH_SIZE]}) for start in starts]
    return [np.concatenate(tensors) for tensors in zip(*batches, strict=True)]
