"""Layers with weights: what their weights, and what each output is a sum over."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper

WEIGHTED = ("Conv", "Gemm", "MatMul")
"""Operators that have weights."""


@dataclass(frozen=True, slots=True)
class Layer:
    """A convolution of images, or a product with a matrix, whose weights are constants.

    In both, weights are seen as (G, O, K): G groups, O outputs of a group, K inputs of an output.
    """

    node: onnx.NodeProto
    shape: tuple[int, ...]  # of the weights in the graph

    @property
    def groups(self) -> int:
        """G."""
        return int(self._attribute("group", 1)) if self.is_convolution else 1

    @property
    def inputs(self) -> int:
        """K."""
        if self.is_convolution:
            return int(np.prod(self.shape[1:]))
        return self.shape[1] if self._is_transposed else self.shape[0]

    @property
    def is_convolution(self) -> bool:
        """Otherwise a product."""
        return self.node.op_type == "Conv"

    def matrix(self, weights: NDArray[Any]) -> NDArray[np.float64]:  # -> (G, O, K)
        """The graph's weights."""
        if self.is_convolution:
            matrix = weights.reshape(self.groups, weights.shape[0] // self.groups, -1)
        else:
            matrix = (weights if self._is_transposed else weights.T)[None]
        return matrix.astype(np.float64)

    def weights(self, matrix: NDArray[Any]) -> NDArray[Any]:
        """Of a matrix (G, O, K): in the graph's shape."""
        if self.is_convolution:
            return matrix.reshape(self.shape)
        only: NDArray[Any] = matrix[0]
        return only if self._is_transposed else only.T

    def samples(
        self, inputs: NDArray[np.float32], *, positions: int, random: np.random.Generator
    ) -> NDArray[np.intp]:  # -> (P,)
        """At most `positions` of an image's outputs, by number."""
        count = int(np.prod(self._output_sides(inputs))) if self.is_convolution else int(np.prod(inputs.shape[1:-1]))
        return np.sort(random.choice(count, min(count, positions), replace=False))

    def fields(self, inputs: NDArray[np.float32], samples: NDArray[np.intp]) -> NDArray[np.float32]:
        """What these outputs are sums over: inputs (N, C, H, W), or (N, ..., K) of a product -> (G, N * P, K)."""
        if not self.is_convolution:
            rows = inputs.reshape(len(inputs), -1, inputs.shape[-1])
            return rows[:, samples].reshape(1, -1, inputs.shape[-1])
        top, left, bottom, right = self._attribute("pads", [0, 0, 0, 0])
        padded = np.pad(inputs, ((0, 0), (0, 0), (top, bottom), (left, right)))
        ys, xs = np.divmod(samples, self._output_sides(inputs)[1])
        rows_of, columns_of = (
            at[:, None] * stride + np.arange(side)[None] * dilation
            for at, stride, side, dilation in zip((ys, xs), self._strides, self.shape[2:], self._dilations, strict=True)
        )  # (P, kernel height), (P, kernel width)
        found = padded[:, :, rows_of[:, :, None], columns_of[:, None, :]]  # (N, C, P, kernel height, kernel width)
        grouped = found.reshape(len(inputs), self.groups, -1, len(samples), int(np.prod(self.shape[2:])))
        return grouped.transpose(1, 0, 3, 2, 4).reshape(self.groups, len(inputs) * len(samples), -1)

    def _output_sides(self, inputs: NDArray[np.float32]) -> tuple[int, ...]:
        pads = self._attribute("pads", [0, 0, 0, 0])
        return tuple(
            (inputs.shape[axis + 2] + pads[axis] + pads[axis + 2] - self._dilations[axis] * (side - 1) - 1)
            // self._strides[axis]
            + 1
            for axis, side in enumerate(self.shape[2:])
        )

    @property
    def _strides(self) -> list[int]:
        strides: list[int] = self._attribute("strides", [1, 1])
        return strides

    @property
    def _dilations(self) -> list[int]:
        dilations: list[int] = self._attribute("dilations", [1, 1])
        return dilations

    @property
    def _is_transposed(self) -> bool:
        return bool(self._attribute("transB", 0))

    def _attribute(self, name: str, default: Any) -> Any:
        found = [helper.get_attribute_value(each) for each in self.node.attribute if each.name == name]
        return found[0] if found else default


def find_layer(node: onnx.NodeProto, shape: tuple[int, ...]) -> Layer | None:
    """The layer of a node with weights of this shape; None where it is none of a kind that is known here."""
    attributes = {each.name: helper.get_attribute_value(each) for each in node.attribute}
    if node.op_type not in WEIGHTED or len(shape) != (4 if node.op_type == "Conv" else 2):
        return None
    if attributes.get("auto_pad", b"NOTSET") != b"NOTSET" or attributes.get("transA", 0):
        return None
    if attributes.get("alpha", 1.0) != 1.0 or attributes.get("beta", 1.0) != 1.0:
        return None
    return Layer(node, shape)
