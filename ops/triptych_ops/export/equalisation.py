"""Channels of linear tensors brought to the same size, so that one scale of int8 suits all of them.

"Cross-layer equalisation" (https://arxiv.org/abs/1906.04721, section 4.1): where convolutions make a tensor and
convolutions take it, its channels can be multiplied in the first and divided in the second. Sums and pools keep
that; ReLU does too, but clipping does not, and its tensors are of one size anyway.
"""

from collections.abc import Iterable, Mapping

import numpy as np
import onnx
import onnxruntime
from numpy.typing import NDArray
from onnx import helper, numpy_helper

from .session import PIXELS

_BATCH_SIZE = 4  # images
_LARGEST_FACTOR = 64.0  # beyond which a channel says nothing, and would be made noise of
_SAME_CHANNELS = ("Add", "MaxPool", "Relu")


def equalise(model: onnx.ModelProto, pixels: NDArray[np.uint8]) -> None:
    """Scale the weights of `model` in place; it computes the same. `pixels` (N, S, S, 3) show the channels' sizes."""
    convolutions = _convolutions(model)
    families = _families(model, convolutions)
    taken = {node.input[0] for node in convolutions}
    sizes = _sizes(model, [name for family in families for name in family if name in taken], pixels)
    factors: dict[str, NDArray[np.float64]] = {}  # tensor -> (C,)
    for family in families:
        measured = [sizes[name] for name in family if name in sizes]
        if measured:
            size: NDArray[np.float64] = np.max(np.stack(measured), axis=0)
            largest = max(float(size.max()), float(np.finfo(np.float32).tiny))
            factors |= dict.fromkeys(family, largest / np.maximum(size, largest / _LARGEST_FACTOR))
    _scale(model, convolutions, factors)


def _convolutions(model: onnx.ModelProto) -> list[onnx.NodeProto]:
    """Those whose constants are their own."""
    constants = {tensor.name for tensor in model.graph.initializer}
    uses = [name for node in model.graph.node for name in node.input]
    return [
        node
        for node in model.graph.node
        if node.op_type == "Conv" and all(name in constants and uses.count(name) == 1 for name in node.input[1:])
    ]


def _families(model: onnx.ModelProto, convolutions: list[onnx.NodeProto]) -> list[list[str]]:
    """Tensors whose channels must be scaled alike, without those that anything else than a convolution takes."""
    constants = {tensor.name for tensor in model.graph.initializer}
    parents: dict[str, str] = {}

    def first(name: str) -> str:
        while (parent := parents.setdefault(name, name)) != name:
            name = parent
        return name

    fixed = {each.name for each in (*model.graph.input, *model.graph.output)}
    own = {node.name for node in convolutions}
    for node in model.graph.node:
        tensors = [name for name in (*node.input, *node.output) if name and name not in constants]
        if node.name in own:
            for name in (node.input[0], node.output[0]):
                first(name)
        elif node.op_type in _SAME_CHANNELS and len(tensors) == len(node.input) + len(node.output):
            for name in tensors:
                parents[first(name)] = first(tensors[-1])
        else:
            fixed |= set(tensors)
    held = {first(name) for name in fixed if name in parents}
    families: dict[str, list[str]] = {}
    for name in list(parents):
        families.setdefault(first(name), []).append(name)
    return [names for root, names in families.items() if root not in held]


def _sizes(model: onnx.ModelProto, names: Iterable[str], pixels: NDArray[np.uint8]) -> dict[str, NDArray[np.float64]]:
    """Largest magnitude of each channel of these tensors (N, C, H, W): (C,)."""
    names = list(names)
    if not names:
        return {}
    measuring = onnx.ModelProto()
    measuring.CopyFrom(model)
    graph = measuring.graph
    graph.initializer.append(numpy_helper.from_array(np.array([0, 2, 3]), "equalisation_axes"))
    outputs = []
    for name in names:
        for operator in ("ReduceMax", "ReduceMin"):
            output = f"{name}_{operator}"
            graph.node.append(helper.make_node(operator, [name, "equalisation_axes"], [output], keepdims=0))
            graph.output.append(onnx.ValueInfoProto(name=output))
            outputs.append(output)
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3  # errors
    session = onnxruntime.InferenceSession(measuring.SerializeToString(), options, providers=["CPUExecutionProvider"])
    sizes = [np.zeros(1) for _ in names]
    for start in range(0, len(pixels), _BATCH_SIZE):
        extremes = session.run(outputs, {PIXELS: pixels[start : start + _BATCH_SIZE]})
        pairs = zip(extremes[::2], extremes[1::2], strict=True)
        sizes = [
            np.maximum(size, np.maximum(np.abs(high), np.abs(low)))
            for size, (high, low) in zip(sizes, pairs, strict=True)
        ]
    return dict(zip(names, sizes, strict=True))


def _scale(
    model: onnx.ModelProto, convolutions: list[onnx.NodeProto], factors: Mapping[str, NDArray[np.float64]]
) -> None:
    constants = {tensor.name: tensor for tensor in model.graph.initializer}

    def replace(name: str, value: NDArray[np.float64]) -> None:
        constants[name].CopyFrom(numpy_helper.from_array(value.astype(np.float32), name))

    for node in convolutions:
        weights = numpy_helper.to_array(constants[node.input[1]]).astype(np.float64)
        made, taken = factors.get(node.output[0]), factors.get(node.input[0])
        if made is not None:
            weights = weights * made.reshape(-1, *(1,) * (weights.ndim - 1))
            if len(node.input) > 2:
                replace(node.input[2], numpy_helper.to_array(constants[node.input[2]]) * made)
        if taken is not None:
            # (O, C / G, ...): the inputs of output o are those of its group.
            groups = len(taken) // weights.shape[1]
            grouped = weights.reshape(groups, -1, *weights.shape[1:])
            share = taken.reshape(groups, 1, weights.shape[1], *(1,) * (weights.ndim - 2))
            weights = (grouped / share).reshape(weights.shape)
        replace(node.input[1], weights)
