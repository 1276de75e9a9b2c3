"""The python-based `onnxruntime` backend on a graph of its own, with a stand-in for Triton's module."""

import json
import sys
from contextlib import nullcontext
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
    folder = checkout / "ops/triptych_ops/runtime/backends/onnxruntime"
    monkeypatch.syspath_prepend(folder)  # as Triton does
    return load_source(folder / "model.py")


def config(**changed: Any) -> dict[str, Any]:
    named = {"name": "doubler", "input": [{"name": "X"}], "output": [{"name": "DOUBLE"}, {"name": "NEGATIVE"}]}
    return named | changed


def accelerated(kind: str, name: str) -> dict[str, Any]:
    return {"optimization": {"execution_accelerators": {kind: [{"name": name, "parameters": {}}]}}}


OPENVINO = accelerated("cpu_execution_accelerator", "openvino")


def model(
    backend: ModuleType,
    folder: Path,
    *,
    kind: str = "CPU",
    filename: str = "model.onnx",
    instance: int = 0,
    **changed: Any,
) -> Any:
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
            "model_instance_name": f"doubler_0_{instance}",
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


def test_it_writes_nothing_beside_a_model_of_one_number_of_threads(backend: ModuleType, tmp_path: Path) -> None:
    served = model(backend, tmp_path)
    assert served.execute([Request(rows(1), "DOUBLE")])[0].outputs == {"DOUBLE": [[2, 3]]}
    assert [path.name for path in tmp_path.iterdir()] == ["7"]


THREADS = {"intra_op_thread_count": {"string_value": "1"}, "lone_threads": {"string_value": "2"}}


@pytest.mark.parametrize("size", [1, 2, 3, 9, 32])
@pytest.mark.parametrize("others", [0, 1])
@pytest.mark.parametrize("accelerator", [{}, OPENVINO])
def test_alone_or_not_by_either_engine_the_answers_are_the_same(
    backend: ModuleType, tmp_path: Path, size: int, others: int, accelerator: dict[str, Any]
) -> None:
    served = model(backend, tmp_path, parameters=THREADS, **accelerator)
    assert (type(served._runner._shared).__name__ == "OpenVinoSession") == bool(accelerator)
    other = backend.Presence(tmp_path / "presence", 1)
    sent = rows(*range(size))
    with other.at_work() if others else nullcontext():
        (answer,) = served.execute([Request(sent, "DOUBLE", "NEGATIVE")])
    assert answer.outputs == {"DOUBLE": (sent * 2).tolist(), "NEGATIVE": (-sent).tolist()}


def test_an_instance_is_alone_while_no_other_works(backend: ModuleType, tmp_path: Path) -> None:
    first, second = (backend.Presence(tmp_path / "presence", instance) for instance in range(2))
    with first.at_work() as alone:
        assert alone
        with second.at_work() as second_alone:
            assert not second_alone
    with second.at_work() as alone:
        assert alone


def test_a_lone_image_takes_all_threads_and_two_take_one_each(backend: ModuleType, tmp_path: Path) -> None:
    served = model(backend, tmp_path, parameters=THREADS)
    taken: list[tuple[str, int]] = []
    for name in ("_alone", "_shared"):
        session = getattr(served._runner, name)
        setattr(served._runner, name, Recording(name, session, taken))
    other = backend.Presence(tmp_path / "presence", 1)
    served.execute([Request(rows(1), "DOUBLE")])
    served.execute([Request(rows(1, 2), "DOUBLE")])
    with other.at_work():
        served.execute([Request(rows(1, 2), "DOUBLE")])
    assert taken == [("_alone", 1), ("_shared", 1), ("_shared", 1), ("_shared", 2)]


class Recording:
    """A session that tells what it ran: its name and how many images."""

    def __init__(self, name: str, session: Any, taken: list[tuple[str, int]]) -> None:
        self._name, self._session, self._taken = name, session, taken

    def run(self, names: list[str], feeds: dict[str, NDArray[Any]]) -> Any:
        self._taken.append((self._name, len(feeds["X"])))
        return self._session.run(names, feeds)


@pytest.mark.parametrize(
    ("size", "workers", "sizes"),
    [(1, 1, [1]), (4, 1, [4]), (5, 1, [2, 3]), (2, 2, [1, 1]), (3, 2, [1, 2]), (8, 2, [4, 4]), (9, 2, [2, 2, 2, 3])],
)
def test_parts_are_nearly_equal_and_as_many_for_each_worker(
    backend: ModuleType, size: int, workers: int, sizes: list[int]
) -> None:
    spans = backend.spans(size, workers)
    assert [end - start for start, end in spans] == sizes
    assert [start for start, _ in spans] == [0, *(end for _, end in spans[:-1])]
    assert spans[-1][1] == size


@pytest.mark.parametrize(
    ("kind", "changed", "words"),
    [
        ("GPU", {}, "instance kind GPU"),
        ("CPU", accelerated("gpu_execution_accelerator", "tensorrt"), "execution_accelerators"),
        ("CPU", accelerated("cpu_execution_accelerator", "tensorflow"), "execution_accelerators"),
    ],
)
def test_what_would_change_the_hardware_is_refused(
    backend: ModuleType, tmp_path: Path, kind: str, changed: dict[str, Any], words: str
) -> None:
    with pytest.raises(ModelError, match=f"{words}.* native onnxruntime backend"):
        model(backend, tmp_path, kind=kind, **changed)


def test_a_missing_accelerator_is_said(backend: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "openvino_session", None)
    with pytest.raises(ModelError, match="pip install openvino"):
        model(backend, tmp_path, **OPENVINO)


def test_openvino_takes_one_image_or_a_wrong_one(backend: ModuleType, tmp_path: Path) -> None:
    served = model(backend, tmp_path, **OPENVINO)
    (wrong,) = served.execute([Request(np.zeros((1, 3), dtype=np.float32), "DOUBLE")])
    assert str(wrong.error).startswith("onnxruntime: ")
    (one,) = served.execute([Request(rows(1), "NEGATIVE")])
    assert one.outputs == {"NEGATIVE": [[-1, -1.5]]}


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
