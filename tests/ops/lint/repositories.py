"""Sound model repositories of any size, made without a server: what the tests plant their defects in."""

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

SIDE, EMBEDDING, CLASSES = 4, 9, 6
LABELS = "".join(f"class {number}\n" for number in range(CLASSES))
MEMBERS = ("preprocess", "classifier", "postprocess")
ENSEMBLE = "image_classifier"

PREPROCESS = """\
name: "preprocess"
backend: "python"
max_batch_size: 8
input [
  { name: "IMAGE" data_type: TYPE_STRING dims: [ 1 ] }
]
output [
  { name: "PIXELS" data_type: TYPE_UINT8 dims: [ 4, 4, 3 ] },
  { name: "IMAGE_ERROR" data_type: TYPE_STRING dims: [ 1 ] }
]
instance_group [ { count: 1 kind: KIND_CPU } ]
"""
CLASSIFIER = """\
name: "classifier"
backend: "onnxruntime"
default_model_filename: "model.onnx"
max_batch_size: 8
input [
  { name: "PIXELS" data_type: TYPE_UINT8 dims: [ 4, 4, 3 ] }
]
output [
  { name: "LOGITS" data_type: TYPE_FP32 dims: [ 6 ] label_filename: "classes.txt" },
  { name: "EMBEDDING" data_type: TYPE_FP32 dims: [ 9 ] }
]
instance_group [ { count: 1 kind: KIND_CPU } ]
dynamic_batching {
  preferred_batch_size: [ 4, 8 ]
}
model_warmup [
  {
    name: "smallest"
    batch_size: 1
    inputs {
      key: "PIXELS"
      value: { data_type: TYPE_UINT8 dims: [ 4, 4, 3 ] random_data: true }
    }
  }
]
parameters { key: "intra_op_thread_count" value: { string_value: "0" } }
"""
POSTPROCESS = """\
name: "postprocess"
backend: "python"
max_batch_size: 8
input [
  { name: "LOGITS" data_type: TYPE_FP32 dims: [ 6 ] },
  { name: "IMAGE_ERROR" data_type: TYPE_STRING dims: [ 1 ] }
]
output [
  { name: "CLASS_ID" data_type: TYPE_INT32 dims: [ 2 ] },
  { name: "LABEL" data_type: TYPE_STRING dims: [ 2 ] }
]
"""
IMAGE_CLASSIFIER = """\
name: "image_classifier"
platform: "ensemble"
max_batch_size: 8
input [
  { name: "IMAGE" data_type: TYPE_STRING dims: [ 1 ] }
]
output [
  { name: "CLASS_ID" data_type: TYPE_INT32 dims: [ 2 ] },
  { name: "LABEL" data_type: TYPE_STRING dims: [ 2 ] },
  { name: "EMBEDDING" data_type: TYPE_FP32 dims: [ 9 ] }
]
ensemble_scheduling {
  step [
    {
      model_name: "preprocess"
      model_version: 1
      input_map { key: "IMAGE" value: "IMAGE" }
      output_map { key: "PIXELS" value: "PIXELS" }
      output_map { key: "IMAGE_ERROR" value: "IMAGE_ERROR" }
    },
    {
      model_name: "classifier"
      model_version: -1
      input_map { key: "PIXELS" value: "PIXELS" }
      output_map { key: "LOGITS" value: "LOGITS" }
      output_map { key: "EMBEDDING" value: "EMBEDDING" }
    },
    {
      model_name: "postprocess"
      model_version: -1
      input_map { key: "LOGITS" value: "LOGITS" }
      input_map { key: "IMAGE_ERROR" value: "IMAGE_ERROR" }
      output_map { key: "CLASS_ID" value: "CLASS_ID" }
      output_map { key: "LABEL" value: "LABEL" }
    }
  ]
}
"""
CONFIGURATIONS = dict(zip((*MEMBERS, ENSEMBLE), (PREPROCESS, CLASSIFIER, POSTPROCESS, IMAGE_CLASSIFIER), strict=True))


def graph(*, batch: str | int = "N", side: int = SIDE, classes: int = CLASSES, embedding: int = EMBEDDING) -> bytes:
    """A real graph: PIXELS uint8 (N, side, side, 3) -> LOGITS float (N, classes), EMBEDDING float (N, embedding)."""
    model = helper.make_model(
        helper.make_graph(
            [
                helper.make_node("Cast", ["PIXELS"], ["float"], to=TensorProto.FLOAT),
                helper.make_node("ReduceMean", ["float", "axes"], ["mean"], keepdims=0),
                helper.make_node("MatMul", ["mean", "features"], ["EMBEDDING"]),
                helper.make_node("MatMul", ["EMBEDDING", "head"], ["LOGITS"]),
            ],
            "classifier",
            [helper.make_tensor_value_info("PIXELS", TensorProto.UINT8, [batch, side, side, 3])],
            [
                helper.make_tensor_value_info("LOGITS", TensorProto.FLOAT, [batch, classes]),
                helper.make_tensor_value_info("EMBEDDING", TensorProto.FLOAT, [batch, embedding]),
            ],
            initializer=[
                numpy_helper.from_array(np.array([1, 2], np.int64), "axes"),
                numpy_helper.from_array(np.ones((3, embedding), np.float32), "features"),
                numpy_helper.from_array(np.ones((embedding, classes), np.float32), "head"),
            ],
        ),
        opset_imports=[helper.make_opsetid("", 18)],
        ir_version=9,
    )
    onnx.checker.check_model(model)
    return model.SerializeToString()


def write_ensemble(repository: Path, *, suffix: str = "", onnx_graph: bytes | None = None) -> None:
    """Four sound models, three members and their ensemble, their names ended by `suffix`."""
    for model, text in CONFIGURATIONS.items():
        version = repository / f"{model}{suffix}" / "1"
        version.mkdir(parents=True)
        for name in CONFIGURATIONS:
            text = text.replace(f'ame: "{name}"', f'ame: "{name}{suffix}"')  # name and model_name
        (version.parent / "config.pbtxt").write_text(text, encoding="utf-8")
    files = {
        "preprocess{}/1/model.py": b"class TritonPythonModel: ...\n",
        "classifier{}/1/model.onnx": graph() if onnx_graph is None else onnx_graph,
        "classifier{}/classes.txt": LABELS.encode(),
        "postprocess{}/1/model.py": b"class TritonPythonModel: ...\n",
        "postprocess{}/1/labels.txt": LABELS.encode(),
        "image_classifier{}/1/release": b"1\n",
    }
    for path, content in files.items():
        (repository / path.format(suffix)).write_bytes(content)


def write_models(repository: Path, count: int) -> None:
    """A sound repository of `count` models, a multiple of four: so many ensembles of three members each."""
    if count % len(CONFIGURATIONS):
        raise ValueError(f"{count} models; ask for a multiple of {len(CONFIGURATIONS)}")
    shared = graph()
    for number in range(count // len(CONFIGURATIONS)):
        write_ensemble(repository, suffix=f"_{number}", onnx_graph=shared)
