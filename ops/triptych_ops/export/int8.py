"""A float graph in int8: ONNX Runtime's static quantisation with weights fitted to it.

QDQ form, weights int8 per channel and symmetric, activations uint8: int8 activations measured slower than float
on x86 with VNNI, and no more exact. Ranges are the least and the largest value seen. The last layer, which makes
the logits, stays in float: steps of its outputs would decide between near classes, and it costs little.
"""

from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import numpy_helper
from onnxruntime.quantization import CalibrationDataReader, CalibrationMethod, QuantFormat, QuantType, quantize_static
from onnxruntime.quantization.shape_inference import quant_pre_process

from .equalisation import equalise
from .layers import WEIGHTED
from .reconstruction import reconstruct
from .session import LOGITS, PIXELS, run

_BATCH_SIZE = 4  # images; all activations of one batch are in memory together
_RANKING_IMAGES = 16  # a tensor's harm is plain on few, and each takes a graph and a run of its own
_RANKED_UNITS = 8  # of which the harm is measured: those whose layers lost most by themselves
_CLIPPING = ("Clip", "Relu")  # that a quantised layer before them swallows
_CPU_FLAGS = Path("/proc/cpuinfo")


class Quantiser:
    """Quantises one graph, calibrated and fitted once, with different layers left in float."""

    def __init__(self, graph: Path, pixels: NDArray[np.uint8], folder: Path) -> None:
        """Calibrate on `pixels` (N, S, S, 3); scratch files go to `folder`."""
        self._prepared = folder / "prepared.onnx"
        self._ranges = folder / "ranges.json"
        self._scratch = folder / "quantised.onnx"
        # Batch normalisation folded, activations named: what is left is what int8 kernels exist for.
        quant_pre_process(str(graph), str(self._prepared), skip_symbolic_shape=True)
        self._model = onnx.load(self._prepared)
        self._pixels = pixels
        self._expected = run(graph, pixels)[0]
        self._bits = 7 if _multiplies_inexactly() else 8
        self._head = next(node.name for node in self._model.graph.node if LOGITS in node.output)
        equalise(self._model, pixels)
        onnx.save(self._model, self._prepared)
        self._fitted = self._quantise(float_nodes=())
        self._losses = reconstruct(self._model, self._fitted, pixels, bits=self._bits)

    @property
    def method(self) -> str:
        """How it is quantised, for people."""
        return (
            f"static QDQ, channels equalised, min-max ranges, uint8 activations, {self._bits}-bit weights per channel "
            "fitted layer by layer (GPTQ, bias correction); the last layer in float"
        )

    def write(self, path: Path, *, float_nodes: Sequence[str]) -> None:
        """Write the graph with all but the last layer and these nodes in int8."""
        model = self._fitted
        if float_nodes:
            model = self._quantise(float_nodes=float_nodes)
            _take_constants(model, self._fitted)
        onnx.save(model, path)
        # Rounding errors have a mean, of which the bias of the last layer takes up what is left.
        shift = (self._expected - run(path, self._pixels)[0]).mean(axis=0)  # (C,)
        corrected = onnx.ModelProto()
        corrected.CopyFrom(model)
        if _shift_head(corrected, shift):
            onnx.save(corrected, path)

    @cache  # noqa: B019  lives as long as its graph is being made
    def ranked(self) -> tuple[tuple[str, ...], ...]:
        """The nodes to leave in float to spare one tensor its rounding, the most harmful tensor first.

        A tensor is spared where the layer that makes it and those that take it compute in float. Its harm is the
        mean square error of the logits that goes with it.
        """
        images = self._pixels[:_RANKING_IMAGES]
        expected = self._expected[:_RANKING_IMAGES]

        def error_without(nodes: tuple[str, ...]) -> float:
            model = self._quantise(float_nodes=nodes)
            _take_constants(model, self._fitted)
            onnx.save(model, self._scratch)
            return float(np.square(run(self._scratch, images)[0] - expected).mean())

        units = [unit for unit in _units(self._model) if self._head not in unit[:1]]
        lossy = sorted(units, key=lambda unit: self._losses.get(unit[0], 0.0), reverse=True)[:_RANKED_UNITS]
        return tuple(sorted(lossy, key=error_without))

    def layers(self, nodes: Sequence[str]) -> tuple[str, ...]:
        """What torch calls the layers of these nodes that have weights."""
        by_name = {node.name: node for node in self._model.graph.node}
        weights = [by_name[name].input[1] for name in nodes if by_name[name].op_type in WEIGHTED]
        return tuple(name.removesuffix(".weight") for name in weights)

    def _quantise(self, *, float_nodes: Sequence[str]) -> onnx.ModelProto:
        quantize_static(
            str(self._prepared),
            str(self._scratch),
            None if self._ranges.exists() else _Batches(self._pixels),
            quant_format=QuantFormat.QDQ,
            per_channel=True,
            reduce_range=self._bits == 7,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            nodes_to_exclude=[self._head, *float_nodes],
            calibrate_method=CalibrationMethod.MinMax,
            extra_options={"CalibStridedMinMax": _BATCH_SIZE},
            calibration_cache_path=self._ranges,
        )
        return onnx.load(self._scratch)


class _Batches(CalibrationDataReader):  # type: ignore[misc]  # onnxruntime has no types
    """Pixels in batches, for one stride of calibration after another."""

    def __init__(self, pixels: NDArray[np.uint8]) -> None:
        # Whole batches, as the calibration wants: few images stand twice.
        self._pixels = np.resize(pixels, (-(-len(pixels) // _BATCH_SIZE) * _BATCH_SIZE, *pixels.shape[1:]))
        self._left: list[NDArray[np.uint8]] = []

    def __len__(self) -> int:
        return len(self._pixels)

    def set_range(self, start_index: int, end_index: int) -> None:
        self._left = [self._pixels[start_index:end_index]]

    def get_next(self) -> Mapping[str, NDArray[np.uint8]] | None:
        return {PIXELS: self._left.pop()} if self._left else None


def _units(model: onnx.ModelProto) -> list[tuple[str, ...]]:
    """For each tensor between layers: the nodes that make and that take it."""
    takers: dict[str, list[onnx.NodeProto]] = {}
    for node in model.graph.node:
        for name in node.input:
            takers.setdefault(name, []).append(node)
    units = []
    for node in model.graph.node:
        if node.op_type in WEIGHTED:
            unit = [node]
            following = takers.get(node.output[0], [])
            if len(following) == 1 and following[0].op_type in _CLIPPING:
                unit.append(following[0])
                following = takers.get(following[0].output[0], [])
            units.append(tuple(each.name for each in (*unit, *following)))
    return units


def _take_constants(model: onnx.ModelProto, fitted: onnx.ModelProto) -> None:
    """Give `model` the constants of the layers in int8 that both have."""
    theirs = {tensor.name: tensor for tensor in fitted.graph.initializer}
    for tensor in model.graph.initializer:
        same = theirs.get(tensor.name)
        if same is not None and same.data_type == tensor.data_type and same.dims == tensor.dims:
            tensor.CopyFrom(same)


def _shift_head(model: onnx.ModelProto, shift: NDArray[np.float32]) -> bool:
    """Add `shift` (C,) to the bias of the layer that makes LOGITS; False where it has none."""
    head = next(node for node in model.graph.node if LOGITS in node.output)
    for tensor in model.graph.initializer:
        if tensor.name == head.input[-1] and list(tensor.dims) == [len(shift)]:
            bias = numpy_helper.to_array(tensor) + shift
            tensor.CopyFrom(numpy_helper.from_array(bias.astype(np.float32), tensor.name))
            return True
    return False


def _multiplies_inexactly() -> bool:
    """Whether this CPU adds products of 8 bits in 16, where large ones overflow: x86 without VNNI.

    Weights of 7 bits then keep sums exact. On other CPUs a graph so built is merely less exact.
    """
    try:
        flags = set(_CPU_FLAGS.read_text(encoding="utf-8").split())
    except OSError:
        return False
    return "avx2" in flags and flags.isdisjoint({"avx512_vnni", "avx_vnni"})
