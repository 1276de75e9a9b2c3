"""The weights of a quantised graph, chosen layer by layer for the inputs that each really gets.

Layers are visited in the order of the graph, so that each makes good what those before it and the rounding of
its inputs did: both graphs, float and quantised, are computed beside one another on the same images.
"""

from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray

from .evaluation import Evaluation
from .layers import Layer, find_layer
from .rounding import Moments, round_weights
from .session import PIXELS

_IMAGES = 64
_LARGEST_ELEMENTS = 80_000_000  # of the largest tensor on all images; it, its like and their copies take ten times that
_LEAST_IMAGES = 8
_BATCH_SIZE = 4  # images whose fields are in memory together
_SAMPLES = 20_000  # rows that a covariance is taken from: ten times the inputs of the widest layers
_SAMPLES_PER_INPUT = 80  # of the narrow ones
_LEAST_SAMPLES = 2048
_MOST_INPUTS = 2400  # of an output: wider layers are rounded to nearest, as a covariance takes their square


def reconstruct(
    model: onnx.ModelProto, quantised: onnx.ModelProto, pixels: NDArray[np.uint8], *, bits: int
) -> dict[str, float]:
    """Set the weights and biases of `quantised`, which ONNX Runtime made of `model`, to int8 ones of `bits`.

    `pixels` (N, S, S, 3): the first are taken, as many as memory allows. Gives what each layer, by the name of
    its node, loses to the rounding of its weights, as a share of the variance of its outputs.
    """
    images = min(_IMAGES, max(_LEAST_IMAGES, _LARGEST_ELEMENTS // _most_elements(model)), len(pixels))
    chosen = pixels[:images]
    floats, codes = Evaluation(model, {PIXELS: chosen}), Evaluation(quantised, {PIXELS: chosen})
    nodes = {node.name: node for node in quantised.graph.node}
    uses = [name for node in quantised.graph.node for name in node.input]
    random = np.random.default_rng(0)
    losses = {}
    for node in model.graph.node:
        twin = nodes.get(node.name)
        if twin is None or len(node.input) < 2 or not floats.is_constant(node.input[1]):
            continue
        layer = find_layer(node, floats.constant(node.input[1]).shape)
        if layer is None or not _is_rounded(codes, twin, uses):
            continue
        floats.compute(node.input[0])
        codes.compute(twin.input[0])
        moments = _moments(layer, twin, floats, codes, images=images, random=random)
        losses[node.name] = _round(layer, twin, floats, codes, moments, largest_code=2 ** (bits - 1) - 1)
    return losses


def _round(
    layer: Layer, twin: onnx.NodeProto, floats: Evaluation, codes: Evaluation, moments: Moments, *, largest_code: int
) -> float:
    """Set the constants of one layer; gives its loss."""
    node = layer.node
    weights = layer.matrix(floats.constant(node.input[1]))
    bias = floats.constant(node.input[2]).astype(np.float64) if len(node.input) > 2 else None
    holder = codes.maker(twin.input[1])
    assert holder is not None  # noqa: S101  see _is_rounded
    bias_holder = codes.maker(twin.input[2]) if bias is not None else None
    least_scale = np.full(weights.shape[:2], np.finfo(np.float32).tiny * 2.0**20)
    step = 0.0
    if bias is not None and bias_holder is not None:
        step = _scale_of(codes, twin.input[0])
        # The bias is kept in int32 steps of both scales: it fits with room to grow.
        least_scale = np.maximum(least_scale, np.abs(bias).reshape(weights.shape[:2]) / step / 2**29)
    rounded = round_weights(weights, moments, largest_code=largest_code, least_scale=least_scale)
    shape = codes.constant(holder.input[1]).shape
    codes.set_constant(holder.input[0], layer.weights(rounded.codes).astype(np.int8))
    codes.set_constant(holder.input[1], rounded.scale.reshape(shape))
    if bias is None:
        return rounded.loss
    bias = bias + rounded.shift.ravel()
    if bias_holder is None:
        codes.set_constant(twin.input[2], bias.astype(np.float32))
    else:
        steps = (rounded.scale.ravel() * np.float32(step)).astype(np.float32)
        codes.set_constant(bias_holder.input[0], np.rint(bias / steps).astype(np.int32))
        codes.set_constant(bias_holder.input[1], steps)
    return rounded.loss


def _moments(
    layer: Layer,
    twin: onnx.NodeProto,
    floats: Evaluation,
    codes: Evaluation,
    *,
    images: int,
    random: np.random.Generator,
) -> Moments:
    width = layer.inputs
    positions = -(-min(_SAMPLES, max(_LEAST_SAMPLES, _SAMPLES_PER_INPUT * width)) // images)
    wide = width > _MOST_INPUTS
    means: list[NDArray[np.float64]] = [np.zeros((layer.groups, width)) for _ in range(2)]
    products: list[Any] = [0.0, 0.0]
    rows = 0
    for start in range(0, images, _BATCH_SIZE):
        batch = slice(start, start + _BATCH_SIZE)
        inputs = floats.real(layer.node.input[0], batch), codes.real(twin.input[0], batch)
        samples = layer.samples(inputs[0], positions=positions, random=random)
        x, z = (layer.fields(each, samples) for each in inputs)  # (G, rows, K)
        rows += x.shape[1]
        means[0] += x.sum(axis=1, dtype=np.float64)
        means[1] += z.sum(axis=1, dtype=np.float64)
        if not wide:
            products[0] += z.transpose(0, 2, 1) @ z
            products[1] += (x - z).transpose(0, 2, 1) @ z
    x_mean, z_mean = (mean / rows for mean in means)
    if wide:
        return Moments(x_mean, z_mean, None, None)
    centre = z_mean[:, None, :]
    return Moments(
        x_mean,
        z_mean,
        products[0] / rows - z_mean[:, :, None] * centre,
        products[1] / rows - (x_mean - z_mean)[:, :, None] * centre,
    )


def _is_rounded(codes: Evaluation, twin: onnx.NodeProto, uses: list[str]) -> bool:
    """Whether a node has weights of its own, in int8, with a scale an output."""
    holder = codes.maker(twin.input[1])
    if holder is None or not codes.is_constant(holder.input[0]) or uses.count(twin.input[1]) > 1:
        return False
    return codes.constant(holder.input[0]).dtype == np.int8 and codes.constant(holder.input[1]).ndim == 1


def _scale_of(codes: Evaluation, name: str) -> float:
    maker = codes.maker(name)
    assert maker is not None  # noqa: S101  int32 biases follow from converted inputs
    return float(codes.constant(maker.input[1]))


def _most_elements(model: onnx.ModelProto) -> int:
    """Of a tensor on one image."""
    shapes = ([each.dim_value for each in info.type.tensor_type.shape.dim[1:]] for info in model.graph.value_info)
    return max((int(np.prod(shape)) for shape in shapes if shape), default=1)
