"""Weights -> an ONNX file, measured against torch."""

import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from numpy.typing import NDArray

from triptych import contract
from triptych_ops.errors import RefusedError

from .network import ServedNetwork
from .session import EMBEDDING, LOGITS, PIXELS, run
from .weights import Weights

TOLERANCE = 1e-4
"""Largest difference of a logit or feature between torch and ONNX Runtime: ten times what float32 rounding makes."""

RELATIVE_TOLERANCE = 5e-6
"""The same for values beyond 20, as a share of the largest: rounding grows with them. 42 steps of float32."""

LARGEST_BYTES = 2**31 - 2**24
"""Of all weights: a protobuf, which an ONNX file with weights inline is, ends at 2 GiB; the rest is for the graph."""

_NOISE_IMAGES = 3  # beside the given pixels: inputs that no photograph resembles


@dataclass(frozen=True, slots=True, kw_only=True)
class GraphParity:
    """How far a graph is from torch, each difference beside the bound that it was held to."""

    images: int
    logits_max_difference: float  # absolute, as the next
    embedding_max_difference: float
    logits_tolerance: float
    embedding_tolerance: float


@dataclass(frozen=True, slots=True)
class ExportedGraph:
    """An ONNX file with weights inline, and how far it is from torch."""

    path: Path
    embedding_size: int
    parity: GraphParity


def export_graph(weights: Weights, path: Path, *, pixels: NDArray[np.uint8]) -> ExportedGraph:
    """Write the served network to `path` and compare it with torch on `pixels` (N, S, S, 3), N > 1, and on noise.

    Raises:
        RefusedError: it is too large, torch cannot export it, or a logit or feature differs by more than the
            tolerance: `TOLERANCE`, or `RELATIVE_TOLERANCE` of the largest where that is more.
    """
    network = ServedNetwork(weights).eval()
    require_size(network, weights.architecture)
    batch = torch.export.Dim("batch", min=1, max=contract.MAX_BATCH_SIZE)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the exporter's own deprecations
            program = torch.onnx.export(
                network,
                (torch.from_numpy(pixels[:2]),),
                dynamo=True,
                dynamic_shapes=({0: batch},),
                input_names=[PIXELS],
                output_names=[LOGITS, EMBEDDING],
                verbose=False,
            )
    except torch.onnx.OnnxExporterError as error:
        cause = str(error.__cause__ or error).partition("\n")[0]
        raise RefusedError(f"torch cannot export {weights.architecture} to ONNX: {cause}; choose another") from error
    assert program is not None  # noqa: S101  with dynamo=True there is always one
    model = program.model_proto
    _forget_the_builder(model)
    onnx.checker.check_model(model, full_check=True)
    onnx.save(model, path)
    embedding_size = model.graph.output[1].type.tensor_type.shape.dim[1].dim_value
    parity = measure_parity(path, network, pixels=pixels)
    require_parity(parity)
    return ExportedGraph(path, embedding_size, parity)


def require_size(network: torch.nn.Module, architecture: str) -> None:
    """Whether the weights fit into one file.

    Raises:
        RefusedError: they do not.
    """
    size = sum(tensor.numel() * tensor.element_size() for tensor in network.state_dict().values())
    if size > LARGEST_BYTES:
        raise RefusedError(
            f"the weights of {architecture} are {size / 2**30:.1f} GiB, and an ONNX file holds 2 GiB; "
            "choose a smaller network"
        )


def measure_parity(path: Path, network: torch.nn.Module, *, pixels: NDArray[np.uint8]) -> GraphParity:
    """Compare the graph in a file with the torch network on `pixels` (N, S, S, 3) and on noise."""
    noise = np.random.default_rng(0).integers(0, 256, (_NOISE_IMAGES, *pixels.shape[1:]), dtype=np.uint8)
    batch = np.concatenate([pixels, noise])
    with torch.inference_mode():
        expected = [tensor.numpy() for tensor in network(torch.from_numpy(batch))]
    served = run(path, batch)
    logits, embedding = (float(np.abs(ours - theirs).max()) for ours, theirs in zip(served, expected, strict=True))
    bounds = [max(TOLERANCE, RELATIVE_TOLERANCE * float(np.abs(tensor).max())) for tensor in expected]
    return GraphParity(
        images=len(batch),
        logits_max_difference=logits,
        embedding_max_difference=embedding,
        logits_tolerance=bounds[0],
        embedding_tolerance=bounds[1],
    )


def require_parity(parity: GraphParity) -> None:
    """The gate that every exported graph must pass.

    Raises:
        RefusedError: it does not hold.
    """
    for name, difference, tolerance in (
        ("logits", parity.logits_max_difference, parity.logits_tolerance),
        ("embeddings", parity.embedding_max_difference, parity.embedding_tolerance),
    ):
        if not difference <= tolerance:  # a NaN is not
            raise RefusedError(
                f"ONNX Runtime's {name} differ from torch's by {difference:.2g}, at most {tolerance:.2g} is accepted"
            )


def _forget_the_builder(model: onnx.ModelProto) -> None:
    """Drop the exporter's notes on its source lines: they name the builder's folders and change nothing."""
    graph: Any = model.graph  # onnx's stubs lack metadata_props
    for item in (graph, *graph.node, *graph.input, *graph.output, *graph.value_info):
        del item.metadata_props[:]
    for node in graph.node:
        node.doc_string = ""
