"""int8 and float16 graphs: what they take, what they give, how well they agree."""

from pathlib import Path

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray

from triptych_ops import export
from triptych_ops.errors import UsageError
from triptych_ops.export import int8
from triptych_ops.export.precision import LowerPrecision, top1_agreement
from triptych_ops.export.session import run


@pytest.fixture(scope="module", params=["int8", "fp16"])
def lowered(
    request: pytest.FixtureRequest,
    graph: export.ExportedGraph,
    pixels: NDArray[np.uint8],
    tmp_path_factory: pytest.TempPathFactory,
) -> export.LoweredGraph:
    precision: LowerPrecision = request.param
    path = tmp_path_factory.mktemp("lowered") / "model.onnx"
    return export.lower_precision(graph.path, path, precision=precision, calibration=pixels, agreement_minimum=0)


def test_a_lowered_graph_takes_and_gives_what_the_float_one_does(
    lowered: export.LoweredGraph, graph: export.ExportedGraph, pixels: NDArray[np.uint8]
) -> None:
    signature = [
        [(tensor.name, tensor.type.tensor_type.elem_type) for tensor in (*model.graph.input, *model.graph.output)]
        for model in (onnx.load(lowered.path), onnx.load(graph.path))
    ]
    assert signature[0] == signature[1]
    for ours, theirs in zip(run(lowered.path, pixels), run(graph.path, pixels), strict=True):
        assert ours.dtype == np.float32
        difference = np.abs(ours - theirs).max() / np.abs(theirs).max()
        assert 0 < difference < (0.2 if lowered.precision == "int8" else 0.01)
    assert lowered.path.stat().st_size < graph.path.stat().st_size
    assert not [path for path in lowered.path.parent.iterdir() if path != lowered.path]


def test_a_lowered_graph_says_how_it_was_made(lowered: export.LoweredGraph) -> None:
    assert (lowered.calibration_images, lowered.images) == ((16, 16) if lowered.precision == "int8" else (0, 32))
    assert 0 <= lowered.top1_agreement <= 1
    operators = {node.op_type for node in onnx.load(lowered.path).graph.node}
    assert ("QuantizeLinear" in operators) == (lowered.precision == "int8")


def test_layers_stay_in_float_until_the_agreement_is_reached(
    graph: export.ExportedGraph, pixels: NDArray[np.uint8], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("triptych_ops.export.precision._FLOAT_TENSORS", (1, 2))
    path = tmp_path / "model.onnx"
    easy = export.lower_precision(graph.path, path, precision="int8", calibration=pixels, agreement_minimum=0)
    assert easy.float_layers == ()
    agreements = iter((0.5, 0.6, 0.7))
    monkeypatch.setattr("triptych_ops.export.precision.top1_agreement", lambda *_, **__: next(agreements))
    hard = export.lower_precision(graph.path, path, precision="int8", calibration=pixels, agreement_minimum=0.65)
    assert hard.top1_agreement == 0.7
    inputs = {name for node in onnx.load(path).graph.node for name in node.input}
    assert len(hard.float_layers) >= 2
    assert all(f"{layer}.weight" in inputs for layer in hard.float_layers)
    assert not any(f"{layer}.weight_quantized" in inputs for layer in hard.float_layers)


def test_weights_are_fitted_better_than_rounded_to_nearest(
    graph: export.ExportedGraph, pixels: NDArray[np.uint8], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = run(graph.path, pixels)[0]
    errors = []
    for name in ("fitted", "nearest"):
        if name == "nearest":
            monkeypatch.setattr(int8, "reconstruct", lambda *_, **__: {})
        (tmp_path / name).mkdir()
        int8.Quantiser(graph.path, pixels[::2], tmp_path / name).write(
            path := tmp_path / f"{name}.onnx", float_nodes=()
        )
        errors.append(float(np.square(run(path, pixels[1::2])[0] - expected[1::2]).mean()))
    fitted, nearest = errors
    assert fitted < 0.7 * nearest


def test_few_images_calibrate_nothing(graph: export.ExportedGraph, pixels: NDArray[np.uint8], tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="31 images calibrate no int8 graph; give at least 32"):
        export.lower_precision(graph.path, tmp_path / "model.onnx", precision="int8", calibration=pixels[:31])
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("logits", "tie", "agreement"),
    [
        ([[2.0, 1.0], [1.0, 2.0]], 0.0, 1.0),
        ([[1.0, 2.0], [1.0, 2.0]], 0.0, 0.5),
        ([[1.0, 2.0], [1.0, 2.0]], 0.47, 1.0),  # the first lost 0.46
        ([[1.0, 2.0], [1.0, 2.0]], 0.45, 0.5),
    ],
)
def test_agreement_forgives_what_is_within_a_tie(logits: list[list[float]], tie: float, agreement: float) -> None:
    expected = np.array([[2.0, 1.0], [1.0, 3.0]], np.float32)
    assert top1_agreement(np.array(logits, np.float32), expected, tie=tie) == agreement


@pytest.mark.parametrize(
    ("flags", "seven_bits"),
    [("flags : avx2 avx512_vnni", False), ("flags : avx2 avx_vnni", False), ("flags : avx2", True), ("asimddp", False)],
)
def test_cpus_that_multiply_inexactly_get_weights_of_7_bits(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, flags: str, seven_bits: bool
) -> None:
    (tmp_path / "cpuinfo").write_text(flags)
    monkeypatch.setattr(int8, "_CPU_FLAGS", tmp_path / "cpuinfo")
    assert int8._multiplies_inexactly() == seven_bits
