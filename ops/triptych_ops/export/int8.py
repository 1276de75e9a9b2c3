"""A float graph in int8: ONNX Runtime's static quantisation, and what it harms most.

QDQ form, weights int8 per channel and symmetric, activations uint8: int8 activations measured slower than float
on x86 with VNNI, and no more exact. Ranges are the least and the largest value seen: percentiles and moving
averages agreed no better once the most harmed layers were left in float, and percentiles took twice as long.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import numpy_helper
from onnxruntime.quantization import CalibrationDataReader, CalibrationMethod, QuantFormat, QuantType, quantize_static
from onnxruntime.quantization.shape_inference import quant_pre_process

from .session import LOGITS, PIXELS, run

_BATCH_SIZE = 4  # images; all activations of one batch are in memory together
_RANKING_IMAGES = 8  # a tensor's harm is plain on few, and each takes a graph and a run of its own
_LAYERS = ("Conv", "Gemm", "MatMul")  # whose tensors are ranked
_CLIPPING = ("Clip", "Relu")  # that a quantised layer before them swallows
_CPU_FLAGS = Path("/proc/cpuinfo")


class Quantiser:
    """Quantises one graph, calibrated once, with different layers left in float."""

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
        self._reduce_range = _multiplies_inexactly()

    @property
    def method(self) -> str:
        """How it is quantised, for people."""
        bits = 7 if self._reduce_range else 8
        return (
            f"static QDQ, min-max ranges, uint8 activations, {bits}-bit weights per channel, bias of the head corrected"
        )

    def write(self, path: Path, *, float_nodes: Sequence[str]) -> None:
        """Write the graph with all but these nodes in int8.

        Rounding errors have a mean, which the bias of the head takes up: "bias correction" of
        https://arxiv.org/abs/1906.04721, for the last layer alone.
        """
        self._quantise(self._model, path, but=float_nodes)
        shift = (self._expected - run(path, self._pixels)[0]).mean(axis=0)  # (C,)
        corrected = onnx.ModelProto()
        corrected.CopyFrom(self._model)
        if _shift_head(corrected, shift):
            self._quantise(corrected, path, but=float_nodes)

    def ranked(self) -> tuple[tuple[str, ...], ...]:
        """The nodes to leave in float to spare one tensor its rounding, the most harmful tensor first.

        A tensor is spared where the layer that makes it and those that take it compute in float. Its harm is
        the mean square error of the logits when these layers alone are in int8.
        """
        images = self._pixels[:_RANKING_IMAGES]
        expected = self._expected[:_RANKING_IMAGES]

        def harm(nodes: tuple[str, ...]) -> float:
            self._quantise(self._model, self._scratch, only=nodes)
            return float(np.square(run(self._scratch, images)[0] - expected).mean())

        return tuple(sorted(_units(self._model), key=harm, reverse=True))

    def layers(self, nodes: Sequence[str]) -> tuple[str, ...]:
        """What torch calls the layers of these nodes that have weights."""
        by_name = {node.name: node for node in self._model.graph.node}
        weights = [by_name[name].input[1] for name in nodes if by_name[name].op_type in _LAYERS]
        return tuple(name.removesuffix(".weight") for name in weights)

    def _quantise(
        self, model: onnx.ModelProto, path: Path, *, but: Sequence[str] = (), only: Sequence[str] = ()
    ) -> None:
        onnx.save(model, self._prepared)
        quantize_static(
            str(self._prepared),
            str(path),
            None if self._ranges.exists() else _Batches(self._pixels),
            quant_format=QuantFormat.QDQ,
            per_channel=True,
            reduce_range=self._reduce_range,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            nodes_to_quantize=list(only),
            nodes_to_exclude=list(but),
            calibrate_method=CalibrationMethod.MinMax,
            extra_options={"CalibStridedMinMax": _BATCH_SIZE},
            calibration_cache_path=self._ranges,
        )


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
        if node.op_type in _LAYERS:
            unit = [node]
            following = takers.get(node.output[0], [])
            if len(following) == 1 and following[0].op_type in _CLIPPING:
                unit.append(following[0])
                following = takers.get(following[0].output[0], [])
            units.append(tuple(each.name for each in (*unit, *following)))
    return units


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
