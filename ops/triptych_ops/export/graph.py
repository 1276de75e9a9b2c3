"""Weights -> an ONNX file, measured against torch."""

import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import torch
from numpy.typing import NDArray

from triptych import contract
from triptych_ops.errors import RefusedError

from .network import ServedNetwork
from .weights import Weights

TOLERANCE = 1e-4
"""Largest difference of a logit or feature between torch and ONNX Runtime: ten times what float32 rounding makes."""

_NOISE_IMAGES = 3  # beside the given pixels: inputs that no photograph resembles


@dataclass(frozen=True, slots=True)
class ExportedGraph:
    """An ONNX file with weights inline, and how far it is from torch."""

    path: Path
    embedding_size: int
    logits_max_difference: float  # absolute, as the next
    embedding_max_difference: float


def export_graph(weights: Weights, path: Path, *, pixels: NDArray[np.uint8]) -> ExportedGraph:
    """Write the served network to `path` and compare it with torch on `pixels` (N, S, S, 3) and on noise.

    Raises:
        RefusedError: a logit or feature differs by more than `TOLERANCE`, or labels and logits differ in number.
    """
    network = ServedNetwork(weights).eval()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the exporter's own deprecations
        program = torch.onnx.export(
            network,
            (torch.from_numpy(pixels),),
            dynamo=True,
            dynamic_shapes=({0: torch.export.Dim("batch", min=1, max=contract.MAX_BATCH_SIZE)},),
            input_names=["PIXELS"],
            output_names=["LOGITS", contract.EMBEDDING],
            verbose=False,
        )
    assert program is not None  # noqa: S101  with dynamo=True there is always one
    model = program.model_proto
    _forget_the_builder(model)
    onnx.checker.check_model(model, full_check=True)
    onnx.save(model, path)

    noise = np.random.default_rng(0).integers(0, 256, (_NOISE_IMAGES, *pixels.shape[1:]), dtype=np.uint8)
    batch = np.concatenate([pixels, noise])
    with torch.inference_mode():
        expected = [tensor.numpy() for tensor in network(torch.from_numpy(batch))]
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    served = session.run(["LOGITS", contract.EMBEDDING], {"PIXELS": batch})
    classes, embedding_size = (tensor.shape[1] for tensor in expected)
    if classes != len(weights.labels):
        raise RefusedError(f"{len(weights.labels)} labels for {classes} classes of {weights.architecture}")
    differences = [float(np.abs(ours - theirs).max()) for ours, theirs in zip(served, expected, strict=True)]
    for name, difference in zip(("logits", "embeddings"), differences, strict=True):
        if not difference <= TOLERANCE:
            raise RefusedError(
                f"ONNX Runtime's {name} differ from torch's by {difference:.2g}, at most {TOLERANCE:g} is accepted"
            )
    return ExportedGraph(path, embedding_size, *differences)


def _forget_the_builder(model: onnx.ModelProto) -> None:
    """Drop the exporter's notes on its source lines: they name the builder's folders and change nothing."""
    graph: Any = model.graph  # onnx's stubs lack metadata_props
    for item in (graph, *graph.node, *graph.input, *graph.output, *graph.value_info):
        del item.metadata_props[:]
    for node in graph.node:
        node.doc_string = ""
