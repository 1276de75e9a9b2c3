"""ONNX files: truncated, too new, of another batch; and how little of a large one is read."""

import tracemalloc
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from triptych_ops.lint import lint
from triptych_ops.lint.graphs import read

from .repositories import graph

FILE = "classifier/1/model.onnx"
CONFIG = "classifier/config.pbtxt"
_MEBI = 1 << 20


def found(repository: Path) -> list[tuple[str, str]]:
    return [(finding.code, finding.place) for finding in lint(repository)]


@pytest.mark.parametrize("share", [0.0, 0.02, 0.1, 0.5, 0.9, 0.999])
def test_a_truncated_graph(repository: Path, sound_graph: bytes, share: float) -> None:
    (repository / FILE).write_bytes(sound_graph[: int(len(sound_graph) * share)])
    assert ("E401", FILE) in found(repository)


def test_a_graph_without_its_end_is_told_wherever_it_ends(repository: Path, sound_graph: bytes) -> None:
    for length in range(0, len(sound_graph), 7):
        (repository / FILE).write_bytes(sound_graph[:length])
        assert {code for code, _ in found(repository)} & {"E401", "E405", "E407"}, length


def _changed(change: Callable[[onnx.ModelProto], None]) -> bytes:
    model = onnx.ModelProto.FromString(graph())
    change(model)
    return model.SerializeToString()


def _newer_opset(model: onnx.ModelProto) -> None:
    model.opset_import[0].version = 999


def _newer_ir(model: onnx.ModelProto) -> None:
    model.ir_version = 999


def _huge_input(model: onnx.ModelProto) -> None:
    model.graph.input[0].type.tensor_type.shape.dim[1].dim_value = 1 << 40


def _microsoft_operator(model: onnx.ModelProto) -> None:
    model.opset_import.append(helper.make_opsetid("com.microsoft", 1))
    model.graph.node.append(helper.make_node("Gelu", ["LOGITS"], ["ran"], domain="com.microsoft"))


def _further_output(model: onnx.ModelProto) -> None:
    model.graph.output.append(helper.make_tensor_value_info("mean", TensorProto.FLOAT, ["N", 3]))


def _further_input(model: onnx.ModelProto) -> None:
    model.graph.input.append(helper.make_tensor_value_info("SIZE", TensorProto.FLOAT, ["N", 1]))


def _default_as_input(model: onnx.ModelProto) -> None:
    model.graph.input.append(helper.make_tensor_value_info("head", TensorProto.FLOAT, [9, 6]))


def _unknown_size(model: onnx.ModelProto) -> None:
    model.graph.output[0].type.tensor_type.shape.dim[1].dim_param = "classes"


def _misspelt_operator(model: onnx.ModelProto) -> None:
    model.graph.node[3].op_type = "MatMull"


def _missing_weight(model: onnx.ModelProto) -> None:
    del model.graph.initializer[2]


def _made_twice(model: onnx.ModelProto) -> None:
    model.graph.node.append(model.graph.node[3])


def _reversed(model: onnx.ModelProto) -> None:
    nodes = list(model.graph.node)[::-1]
    del model.graph.node[:]
    model.graph.node.extend(nodes)


def _branch_reads_outside(model: onnx.ModelProto) -> None:
    output = helper.make_tensor_value_info("chosen", TensorProto.FLOAT, None)
    branch = helper.make_graph([helper.make_node("Identity", ["EMBEDDING"], ["chosen"])], "branch", [], [output])
    model.graph.initializer.append(helper.make_tensor("condition", TensorProto.BOOL, [], [True]))
    model.graph.node.append(helper.make_node("If", ["condition"], ["ran"], then_branch=branch, else_branch=branch))


def _branch_reads_nothing(model: onnx.ModelProto) -> None:
    _branch_reads_outside(model)
    model.graph.node[-1].attribute[0].g.node[0].input[0] = "nowhere"


def _older_opset(model: onnx.ModelProto) -> None:
    model.opset_import[0].version = 6


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (_changed(_newer_opset), [("E409", FILE)]),
        (_changed(_newer_ir), [("E409", FILE)]),
        (_changed(_older_opset), [("E409", FILE)]),
        (_changed(_misspelt_operator), [("E403", FILE)]),
        (_changed(_missing_weight), [("E411", FILE)]),
        (_changed(_made_twice), [("E411", FILE)]),
        (_changed(_branch_reads_nothing), [("E411", FILE)]),
        (_changed(_branch_reads_outside), []),
        (_changed(_reversed), []),
        (_changed(_huge_input), [("E410", FILE), ("E407", f"{CONFIG}:6")]),
        (graph(batch=1), [("E408", f"{CONFIG}:4")] * 3),
        (_changed(_further_input), [("E405", f"{CONFIG}:5")]),
        # Triton's backend wants an output's shape exactly.
        (_changed(_unknown_size), [("E407", f"{CONFIG}:9")]),
        (_changed(_microsoft_operator), []),
        (_changed(_further_output), []),
        (_changed(_default_as_input), []),
    ],
)
def test_a_graph_is_compared_with_its_configuration(
    repository: Path, content: bytes, expected: list[tuple[str, str]]
) -> None:
    (repository / FILE).write_bytes(content)
    assert found(repository) == expected


def test_a_large_graph_is_described_without_its_weights(tmp_path: Path) -> None:
    model = onnx.ModelProto.FromString(graph())
    model.graph.initializer.append(numpy_helper.from_array(np.zeros(16 * _MEBI, np.float32), "large"))
    constant = numpy_helper.from_array(np.zeros(_MEBI, np.float32), "constant")
    model.graph.node.append(helper.make_node("Constant", [], ["constant"], value=constant))
    path = tmp_path / "model.onnx"
    path.write_bytes(model.SerializeToString())
    size_bytes = path.stat().st_size
    assert size_bytes > 64 * _MEBI

    tracemalloc.start()
    try:
        with path.open("rb") as file:
            described = read(file, size_bytes)
        _, peak_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert described.nodes == 5
    assert described.claims == ()
    assert described.outputs.keys() == {"LOGITS", "EMBEDDING"}
    print(f"lint: a graph of {size_bytes / _MEBI:.0f} MiB in {peak_bytes / _MEBI:.2f} MiB of memory")
    assert peak_bytes < _MEBI


def test_large_and_small_parts_are_described_alike(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    content = graph()
    path = tmp_path / "model.onnx"
    path.write_bytes(content)

    def described() -> object:
        with path.open("rb") as file:
            return read(file, len(content))

    whole = described()
    monkeypatch.setattr("triptych_ops.lint.wire.LARGE_BYTES", 8)
    assert described() == whole
