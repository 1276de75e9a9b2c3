"""A release's own pipeline in this process: decode, classify, rank, one image at a time on one thread.

What the server's panels do, without Triton: the limit that serving is measured against, and the inside of every peer.
"""

import importlib
import json
import os
import sys
import types
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")  # read at import

import onnxruntime

Pixels: TypeAlias = NDArray[np.uint8]  # (1, S, S, 3)
Logits: TypeAlias = NDArray[np.float32]  # (1, C)

RELEASE_VARIABLE = "TRIPTYCH_BENCHMARK_RELEASE"
"""Environment of a peer: the release's folder, <store>/releases/<number>."""


@dataclass(frozen=True, slots=True)
class Prediction:
    """One of the best classes."""

    class_id: int
    score: float
    label: str


class ReleasePipeline:
    """The pipeline of the release in `folder`, <store>/releases/<number>.

    Its sources are imported from where they lie, and no bytecode is written beside them.

    openvino: it runs the graph, ONNX Runtime else
    """

    def __init__(self, folder: Path, *, openvino: bool = False) -> None:
        version = folder.name
        repository = folder / "repository"
        preprocess = repository / "preprocess" / version
        postprocess = repository / "postprocess" / version
        image_pipeline = _import(preprocess, "image_pipeline")
        ranking = _import(postprocess, "ranking")
        self._pipeline = image_pipeline.ImagePipeline.from_file(preprocess / "preprocessing.json")
        self._rank = ranking.rank
        self._labels = ranking.read_labels(postprocess / "labels.txt")
        self._top_k = int(json.loads((folder / "release.json").read_text(encoding="utf-8"))["top_k"])
        path = repository / "classifier" / version / "model.onnx"
        self._logits = _by_openvino(path) if openvino else _by_onnxruntime(path)

    @classmethod
    def from_environment(cls) -> "ReleasePipeline":
        """The pipeline of the release that the environment names; for peers."""
        return cls(Path(os.environ[RELEASE_VARIABLE]))

    def classify(self, body: bytes) -> list[Prediction]:
        """The best classes of one encoded image, best first."""
        pixels = self._pipeline.pixels(body)[None]  # (S, S, 3) uint8 -> (1, S, S, 3)
        logits = self._logits(pixels)  # (1, C) float32
        class_ids, scores = self._rank(logits, self._top_k)
        rows = zip(class_ids[0].tolist(), scores[0].tolist(), strict=True)
        return [Prediction(class_id, score, self._labels[class_id]) for class_id, score in rows]

    def classify_as_json(self, body: bytes) -> dict[str, Any]:
        """The same as a JSON object."""
        rows = self.classify(body)
        return {"predictions": [{"class_id": r.class_id, "score": r.score, "label": r.label} for r in rows]}


def _by_onnxruntime(path: Path) -> Callable[[Pixels], Logits]:
    """Pixels of one image -> logits, on one thread."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])

    def logits(pixels: Pixels) -> Logits:
        found: Logits = session.run(["LOGITS"], {"PIXELS": pixels})[0]
        return found

    return logits


def _by_openvino(path: Path) -> Callable[[Pixels], Logits]:
    """The same."""
    import openvino

    core = openvino.Core()
    model = core.read_model(path)
    (port,) = model.inputs
    model.reshape([1, *list(port.partial_shape)[1:]])
    settings = {"INFERENCE_PRECISION_HINT": "f32", "INFERENCE_NUM_THREADS": 1, "ENABLE_CPU_PINNING": False}
    request = core.compile_model(model, "CPU", settings).create_infer_request()

    def logits(pixels: Pixels) -> Logits:
        request.infer([pixels], share_inputs=True)
        found: Logits = request.get_tensor("LOGITS").data
        return found

    return logits


def _import(folder: Path, module: str) -> Any:
    """A module of a release's version folder, which may import what lies beside it, as inside Triton."""
    package = types.ModuleType(f"release_{folder.parent.name}_{folder.name}_{abs(hash(folder))}")
    package.__path__ = [str(folder)]
    sys.modules[package.__name__] = package
    with _no_bytecode():
        return importlib.import_module(f"{package.__name__}.{module}")


@contextmanager
def _no_bytecode() -> Iterator[None]:
    before, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    try:
        yield
    finally:
        sys.dont_write_bytecode = before
