"""Plain ONNX."""

import json
import tempfile
from pathlib import Path

import onnx

from triptych_ops import export

from ..files import write_whole
from ..run import Run
from .parity import Agreement, agreement
from .questions import questions_of


def write_onnx(run: Run, path: Path) -> Agreement:
    """Write the run's network as ONNX with weights inline; `labels` and `preprocessing` are JSON in its metadata.

    Raises:
        MissingError, RefusedError: the run or its images are gone, or not what they were.
        RefusedError: it cannot be exported, or does not answer as torch.
        OSError: the file cannot be written; what was there stays.
    """
    asked = questions_of(run)
    with tempfile.TemporaryDirectory() as scratch:
        exported = export.export_graph(asked.weights, Path(scratch) / "model.onnx", pixels=asked.pixels[:8])
        model = onnx.load(exported.path)
    metadata = {
        "labels": json.dumps(list(asked.weights.labels), ensure_ascii=False),
        "preprocessing": asked.weights.preprocessing.model_dump_json(),
    }
    onnx.helper.set_model_props(model, metadata)
    content = model.SerializeToString()
    logits, _ = export.run_graph(content, asked.pixels)
    found = agreement(logits, asked.expected, file=path.name)
    write_whole(path, content)
    return found
