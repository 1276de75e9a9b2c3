"""Small model repositories that start quickly, and the edits that turn one into another.

A repository is a mapping from paths to bytes until it is written: `None` stands for an empty folder.
"""

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

Files = dict[str, bytes | None]
Edit = Callable[[Files], None]

SCALE, SUM, PAIR, NET = "scale/config.pbtxt", "sum/config.pbtxt", "pair/config.pbtxt", "net/config.pbtxt"
GRAPH = "net/1/model.onnx"

# The models answer zeros of their configured shapes, so that a warm-up request can be served.
CODE = """\
import json

import numpy as np
import triton_python_backend_utils as pb_utils


class TritonPythonModel:
    def initialize(self, args):
        config = json.loads(args["model_config"])
        self.batched = config["max_batch_size"] > 0
        self.outputs = [
            (
                each["name"],
                [max(int(size), 1) for size in each["dims"]],
                pb_utils.triton_string_to_numpy(each["data_type"]),
            )
            for each in config["output"]
        ]

    def execute(self, requests):
        return [self.answer(request) for request in requests]

    def answer(self, request):
        batch = [request.inputs()[0].shape()[0]] if self.batched else []
        tensors = [pb_utils.Tensor(name, np.zeros([*batch, *dims], kind)) for name, dims, kind in self.outputs]
        return pb_utils.InferenceResponse(tensors)
"""
SCALE_CONFIG = """\
name: "scale"
backend: "python"
max_batch_size: 8
input [
  { name: "RAW" data_type: TYPE_FP32 dims: [ 4 ] }
]
output [
  { name: "SCALED" data_type: TYPE_FP32 dims: [ 4 ] }
]
instance_group [ { count: 1 kind: KIND_CPU } ]
"""
SUM_CONFIG = """\
name: "sum"
backend: "python"
max_batch_size: 8
input [
  { name: "VALUES" data_type: TYPE_FP32 dims: [ 4 ] }
]
output [
  { name: "TOTAL" data_type: TYPE_FP32 dims: [ 1 ] },
  { name: "COUNT" data_type: TYPE_INT32 dims: [ 1 ] }
]
instance_group [ { count: 1 kind: KIND_CPU } ]
"""
PAIR_CONFIG = """\
name: "pair"
platform: "ensemble"
max_batch_size: 8
input [
  { name: "RAW" data_type: TYPE_FP32 dims: [ 4 ] }
]
output [
  { name: "TOTAL" data_type: TYPE_FP32 dims: [ 1 ] }
]
ensemble_scheduling {
  step [
    {
      model_name: "scale"
      model_version: -1
      input_map { key: "RAW" value: "RAW" }
      output_map { key: "SCALED" value: "SCALED" }
    },
    {
      model_name: "sum"
      model_version: 1
      input_map { key: "VALUES" value: "SCALED" }
      output_map { key: "TOTAL" value: "TOTAL" }
    }
  ]
}
"""
NET_CONFIG = """\
name: "net"
backend: "onnxruntime"
max_batch_size: 8
input [
  { name: "VALUES" data_type: TYPE_FP32 dims: [ 4 ] }
]
output [
  { name: "LOGITS" data_type: TYPE_FP32 dims: [ 3 ] }
]
instance_group [ { count: 1 kind: KIND_CPU } ]
"""


@cache
def graph(
    *, opset: int = 17, ir_version: int = 8, batch: str | int = "N", dtype: int = TensorProto.FLOAT, classes: int = 3
) -> bytes:
    """VALUES (N, 4) -> LOGITS (N, classes), by one matrix."""
    model = helper.make_model(
        helper.make_graph(
            [
                helper.make_node("Cast", ["VALUES"], ["floats"], to=TensorProto.FLOAT),
                helper.make_node("MatMul", ["floats", "head"], ["LOGITS"]),
            ],
            "net",
            [helper.make_tensor_value_info("VALUES", dtype, [batch, 4])],
            [helper.make_tensor_value_info("LOGITS", TensorProto.FLOAT, [batch, classes])],
            initializer=[numpy_helper.from_array(np.ones((4, classes), np.float32), "head")],
        ),
        opset_imports=[helper.make_opsetid("", opset)],
        ir_version=ir_version,
    )
    return bytes(model.SerializeToString())


@dataclass(frozen=True)
class Cure:
    """What a finding advises: words that its cure has to hold, and the edits that follow them."""

    code: str
    words: str
    edits: tuple[Edit, ...]


@dataclass(frozen=True)
class Case:
    """A repository: a sound one, edited."""

    base: Callable[[], Files]
    edits: tuple[Edit, ...] = ()
    cure: Cure | None = None
    finish: Callable[[Path], None] | None = None  # what bytes alone cannot say, such as permissions

    def write(self, repository: Path, *, cured: bool = False) -> None:
        """Write it into a new folder, after its cure where `cured` is true."""
        files = self.base()
        for edit in (*self.edits, *(self.cure.edits if cured and self.cure else ())):
            edit(files)
        write(files, repository)
        if self.finish and not cured:
            self.finish(repository)


def cured(case: Case, code: str, words: str, *edits: Edit) -> Case:
    """The case with the cure of its finding."""
    return dataclasses.replace(case, cure=Cure(code, words, edits))


def one_model() -> Files:
    """A Python model."""
    return {SCALE: SCALE_CONFIG.encode(), "scale/1/model.py": CODE.encode()}


def ensemble() -> Files:
    """Two Python models and the ensemble of both."""
    return {
        **one_model(),
        SUM: SUM_CONFIG.encode(),
        "sum/1/model.py": CODE.encode(),
        PAIR: PAIR_CONFIG.encode(),
        "pair/1/release": b"1\n",
    }


def network() -> Files:
    """An ONNX graph with its weights inside."""
    return {NET: NET_CONFIG.encode(), GRAPH: graph()}


def write(files: Mapping[str, bytes | None], repository: Path) -> None:
    """Write a repository into a new folder."""
    repository.mkdir()
    for path, content in files.items():
        file = repository / path
        if content is None:
            file.mkdir(parents=True, exist_ok=True)
        else:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content)


def replace(path: str, old: str, new: str) -> Edit:
    """Replace the first `old` in a file, which has to be there."""

    def edit(files: Files) -> None:
        content = files[path]
        assert content is not None
        assert old.encode() in content, (path, old)
        files[path] = content.replace(old.encode(), new.encode(), 1)

    return edit


def append(path: str, text: str) -> Edit:
    """Add a line to a file."""

    def edit(files: Files) -> None:
        files[path] = (files[path] or b"") + text.encode() + b"\n"

    return edit


def add(path: str, content: bytes | None) -> Edit:
    """Write a file, or make an empty folder."""

    def edit(files: Files) -> None:
        files[path] = content

    return edit


def remove(path: str) -> Edit:
    """Remove a file, or a folder with what is in it."""

    def edit(files: Files) -> None:
        below = [each for each in files if each == path or each.startswith(f"{path}/")]
        assert below, path
        for each in below:
            del files[each]

    return edit


def move(old: str, new: str) -> Edit:
    """Rename a file, or a folder with what is in it."""

    def edit(files: Files) -> None:
        below = [each for each in files if each == old or each.startswith(f"{old}/")]
        assert below, old
        for each in below:
            files[new + each.removeprefix(old)] = files.pop(each)

    return edit


def copy(old: str, new: str) -> Edit:
    """Copy a file, or a folder with what is in it."""

    def edit(files: Files) -> None:
        below = [each for each in files if each == old or each.startswith(f"{old}/")]
        assert below, old
        for each in below:
            files[new + each.removeprefix(old)] = files[each]

    return edit


def encoded(path: str, change: Callable[[bytes], bytes]) -> Edit:
    """Change the bytes of a file."""

    def edit(files: Files) -> None:
        content = files[path]
        assert content is not None
        files[path] = change(content)

    return edit


def changed_graph(change: Callable[[onnx.ModelProto], None]) -> Edit:
    """Change the ONNX graph."""

    def edit(files: Files) -> None:
        model = onnx.ModelProto.FromString(files[GRAPH] or b"")
        change(model)
        files[GRAPH] = model.SerializeToString()

    return edit
