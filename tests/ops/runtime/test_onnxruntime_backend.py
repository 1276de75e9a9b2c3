"""The python-based `onnxruntime` backend on a graph of its own, with a stand-in for Triton's module."""

import json
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from numpy.typing import NDArray
from onnx import TensorProto, helper

from python_backend import Tensor
from sources import load_source


class Request:
    """As `pb_utils.InferenceRequest`."""

    def __init__(self, array: NDArray[Any], *outputs: str) -> None:
        self.tensor = Tensor("X", array)
        self._outputs = outputs

    def requested_output_names(self) -> list[str]:
        return list(self._outputs)


class Response:
    """As `pb_utils.InferenceResponse`."""

    def __init__(self, output_tensors: list[Tensor], error: object = None) -> None:
        self.outputs = {tensor.name: tensor.as_numpy().tolist() for tensor in output_tensors}
        self.error = error


class ModelError(Exception):
    """As `pb_utils.TritonModelException` and `pb_utils.TritonError`."""


@pytest.fixture
def backend(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The backend's `model.py`, imported beside a stand-in for what Triton's stub provides."""
    triton = ModuleType("triton_python_backend_utils")
    triton.__dict__.update(
        Tensor=Tensor,
        InferenceResponse=Response,
        TritonError=ModelError,
        TritonModelException=ModelError,
        get_input_tensor_by_name=lambda request, _: request.tensor,
    )
    monkeypatch.setitem(sys.modules, "triton_python_backend_utils", triton)
    return load_source(checkout / "ops/triptych_ops/runtime/backends/onnxruntime/model.py")


def config(**changed: Any) -> dict[str, Any]:
    named = {"name": "doubler", "input": [{"name": "X"}], "output": [{"name": "DOUBLE"}, {"name": "NEGATIVE"}]}
    return named | changed


def accelerated(kind: str, name: str) -> dict[str, Any]:
    return {"optimization": {"execution_accelerators": {kind: [{"name": name}]}}}


def model(backend: ModuleType, folder: Path, *, kind: str = "CPU", filename: str = "model.onnx", **changed: Any) -> Any:
    """A served X (N, 2) -> DOUBLE, NEGATIVE (N, 2)."""
    floats = TensorProto.FLOAT
    graph = helper.make_graph(
        [helper.make_node("Add", ["X", "X"], ["DOUBLE"]), helper.make_node("Neg", ["X"], ["NEGATIVE"])],
        "doubler",
        [helper.make_tensor_value_info("X", floats, ["batch", 2])],
        [helper.make_tensor_value_info(name, floats, ["batch", 2]) for name in ("DOUBLE", "NEGATIVE")],
    )
    (folder / "7").mkdir(exist_ok=True)
    opset = [helper.make_opsetid("", 17)]
    onnx.save(helper.make_model(graph, opset_imports=opset, ir_version=9), folder / "7" / filename)
    served = backend.TritonPythonModel()
    served.initialize(
        {
            "model_config": json.dumps(config(**changed)),
            "model_instance_kind": kind,
            "model_repository": str(folder),
            "model_version": "7",
        }
    )
    return served


def rows(*values: float) -> NDArray[np.float32]:
    return np.array([[value, value + 0.5] for value in values], dtype=np.float32)


def test_requests_run_as_one_batch_and_each_gets_its_own_rows(backend: ModuleType, tmp_path: Path) -> None:
    served = model(backend, tmp_path)
    requests = [Request(rows(1), "DOUBLE"), Request(rows(2, 3, 4), "DOUBLE"), Request(rows(5, 6), "DOUBLE")]
    first, second, third = served.execute(requests)
    assert first.outputs == {"DOUBLE": [[2, 3]]}
    assert second.outputs == {"DOUBLE": [[4, 5], [6, 7], [8, 9]]}
    assert third.outputs == {"DOUBLE": [[10, 11], [12, 13]]}


def test_each_request_gets_only_what_it_asked_for(backend: ModuleType, tmp_path: Path) -> None:
    served = model(backend, tmp_path)
    both, one = served.execute([Request(rows(1), "DOUBLE", "NEGATIVE"), Request(rows(2), "NEGATIVE")])
    assert both.outputs == {"DOUBLE": [[2, 3]], "NEGATIVE": [[-1, -1.5]]}
    assert one.outputs == {"NEGATIVE": [[-2, -2.5]]}


def test_what_the_graph_raises_is_an_error_answer_to_every_request(backend: ModuleType, tmp_path: Path) -> None:
    served = model(backend, tmp_path)
    wrong = np.zeros((1, 3), dtype=np.float32)
    responses = served.execute([Request(wrong, "DOUBLE"), Request(wrong, "DOUBLE")])
    assert [str(response.error).startswith("onnxruntime: ") for response in responses] == [True, True]
    (good,) = served.execute([Request(rows(1), "DOUBLE")])
    assert good.error is None


def test_the_configured_file_is_served(backend: ModuleType, tmp_path: Path) -> None:
    served = model(backend, tmp_path, filename="other.onnx", default_model_filename="other.onnx")
    assert served.execute([Request(rows(1), "DOUBLE")])[0].outputs == {"DOUBLE": [[2, 3]]}


@pytest.mark.parametrize(
    ("kind", "changed", "words"),
    [
        ("GPU", {}, "instance kind GPU"),
        ("CPU", accelerated("gpu_execution_accelerator", "tensorrt"), "execution_accelerators"),
        ("CPU", accelerated("cpu_execution_accelerator", "openvino"), "execution_accelerators"),
    ],
)
def test_what_would_change_the_hardware_is_refused(
    backend: ModuleType, tmp_path: Path, kind: str, changed: dict[str, Any], words: str
) -> None:
    with pytest.raises(ModelError, match=f"{words}.* native onnxruntime backend"):
        model(backend, tmp_path, kind=kind, **changed)


def test_the_native_backends_keys_are_honoured(backend: ModuleType) -> None:
    values = {
        "intra_op_thread_count": "3",
        "inter_op_thread_count": "2",
        "execution_mode": "1",
        "enable_mem_arena": "0",
    }
    parameters = {key: {"string_value": value} for key, value in values.items()}
    options = backend.session_options(config(parameters=parameters, optimization={"graph": {"level": -1}}))
    assert (options.intra_op_num_threads, options.inter_op_num_threads) == (3, 2)
    assert options.execution_mode == onnxruntime.ExecutionMode.ORT_PARALLEL
    assert options.graph_optimization_level == onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
    assert (options.enable_cpu_mem_arena, options.enable_mem_pattern) == (False, True)


def test_without_keys_everything_is_onnxruntimes_default(backend: ModuleType) -> None:
    options = backend.session_options(config())
    assert (options.intra_op_num_threads, options.inter_op_num_threads) == (0, 0)
    assert options.execution_mode == onnxruntime.ExecutionMode.ORT_SEQUENTIAL
    assert options.graph_optimization_level == onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
    assert options.enable_cpu_mem_arena
    assert options.enable_mem_pattern
