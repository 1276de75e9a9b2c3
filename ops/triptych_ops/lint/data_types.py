"""Sizes of Triton's data types, and whether a file of a model holds enough of one.

Apart from the rules because warm-ups and initial states of sequences read such files alike.
"""

from collections.abc import Mapping

from tritonclient.grpc.model_config_pb2 import DataType

from .models import Model

_BYTES: Mapping[int, int] = {
    DataType.TYPE_BOOL: 1,
    DataType.TYPE_UINT8: 1,
    DataType.TYPE_UINT16: 2,
    DataType.TYPE_UINT32: 4,
    DataType.TYPE_UINT64: 8,
    DataType.TYPE_INT8: 1,
    DataType.TYPE_INT16: 2,
    DataType.TYPE_INT32: 4,
    DataType.TYPE_INT64: 8,
    DataType.TYPE_FP16: 2,
    DataType.TYPE_FP32: 4,
    DataType.TYPE_FP64: 8,
    DataType.TYPE_STRING: 4,  # its length comes first, in four bytes
    DataType.TYPE_BF16: 2,
}


def file_problem(model: Model, path: str, data_type: int, elements: int) -> tuple[str, str] | None:
    """What is wrong with a file of raw elements, by its path in the model's folder, and the cure."""
    entry = model.entries.get(path)
    if entry is None or entry.is_folder:
        return f"reads {path}, which is missing", f"put the file into the model's folder as {path}"
    least = _BYTES.get(data_type, 1) * elements
    if entry.size_bytes < least:
        message = f"reads {path}, which has {entry.size_bytes} bytes, fewer than {elements} elements take ({least})"
        return message, "write all elements into the file, of a string its length before it, in four bytes"
    return None
