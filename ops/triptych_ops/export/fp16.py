"""A float graph in float16."""

from pathlib import Path

import onnx
from onnxruntime.transformers.float16 import convert_float_to_float16
from onnxruntime.transformers.onnx_model import OnnxModel

from .session import PIXELS


def to_fp16(graph: Path, path: Path) -> None:
    """Write `graph` in float16 to `path`; the outputs stay float32, and so does the normalisation of pixels.

    float16 holds every uint8, but not what is subtracted from it.
    """
    model = onnx.load(graph)
    lowered = convert_float_to_float16(model, keep_io_types=True, node_block_list=_before_the_network(model))
    OnnxModel(lowered).topological_sort()  # the casts were appended at the end
    del lowered.graph.value_info[:]  # types of before
    onnx.checker.check_model(lowered, full_check=True)
    onnx.save(lowered, path)


def _before_the_network(model: onnx.ModelProto) -> list[str]:
    """What computes on pixels up to the first layer that has weights to multiply with."""
    reached, names = {PIXELS}, []
    for node in model.graph.node:
        if not reached.isdisjoint(node.input):
            if node.op_type in ("Conv", "Gemm", "MatMul"):
                break
            reached |= set(node.output)
            names.append(node.name)
    return names
