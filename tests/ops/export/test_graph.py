"""The exported graph computes what torch does; one that does not is refused."""

from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from numpy.typing import NDArray
from onnx import numpy_helper

from triptych_ops import export
from triptych_ops.errors import RefusedError
from triptych_ops.export.graph import TOLERANCE, measure_parity, require_parity, require_size
from triptych_ops.export.network import ServedNetwork
from triptych_ops.export.session import run


def test_the_graph_is_as_far_from_torch_as_it_says(graph: export.ExportedGraph, tiny: export.Weights) -> None:
    parity = graph.parity
    assert 0 < parity.logits_max_difference <= parity.logits_tolerance == TOLERANCE
    assert 0 < parity.embedding_max_difference <= parity.embedding_tolerance
    assert parity.images == 32 + 3
    assert graph.embedding_size == tiny.head.in_features


@pytest.mark.parametrize("count", [1, 2, 32])
def test_any_batch_gives_each_image_its_own_answer(
    graph: export.ExportedGraph, pixels: NDArray[np.uint8], count: int
) -> None:
    logits, embedding = run(graph.path, pixels)
    some_logits, some_embedding = run(graph.path, pixels[:count])
    assert np.allclose(some_logits, logits[:count], atol=1e-5)
    assert np.allclose(some_embedding, embedding[:count], atol=1e-5)


def test_normalisation_is_that_of_torchvision(tiny: export.Weights, pixels: NDArray[np.uint8]) -> None:
    from torchvision import transforms

    definition = tiny.preprocessing
    normalise = transforms.Compose([transforms.ToTensor(), transforms.Normalize(definition.mean, definition.std)])
    with torch.inference_mode():
        expected = tiny.backbone(torch.stack([normalise(image) for image in pixels[:4]]))
        _, embedding = ServedNetwork(tiny).eval()(torch.from_numpy(pixels[:4]))
    assert torch.allclose(embedding, expected, atol=1e-4)


def test_one_altered_weight_is_refused(
    graph: export.ExportedGraph, tiny: export.Weights, pixels: NDArray[np.uint8], tmp_path: Path
) -> None:
    network = ServedNetwork(tiny).eval()
    require_parity(measure_parity(graph.path, network, pixels=pixels))
    model = onnx.load(graph.path)
    tensor = max(model.graph.initializer, key=lambda each: len(each.raw_data))
    weights = numpy_helper.to_array(tensor).copy()
    weights.flat[0] += 0.1
    tensor.CopyFrom(numpy_helper.from_array(weights, tensor.name))
    onnx.save(model, tmp_path / "altered.onnx")
    with pytest.raises(RefusedError, match="differ from torch's by"):
        require_parity(measure_parity(tmp_path / "altered.onnx", network, pixels=pixels))


def test_the_tolerance_grows_with_large_values_alone(
    graph: export.ExportedGraph, tiny: export.Weights, pixels: NDArray[np.uint8]
) -> None:
    class Louder(torch.nn.Module):
        def __init__(self, factor: float) -> None:
            super().__init__()
            self.network, self.factor = ServedNetwork(tiny).eval(), factor

        def forward(self, images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
            logits, embedding = self.network(images)
            return logits * self.factor, embedding

    largest = float(np.abs(run(graph.path, pixels)[0]).max())
    quiet = measure_parity(graph.path, Louder(1), pixels=pixels)
    loud = measure_parity(graph.path, Louder(1000 / largest), pixels=pixels)
    assert quiet.logits_tolerance == TOLERANCE
    assert loud.logits_tolerance == pytest.approx(5e-3, rel=0.5)
    with pytest.raises(RefusedError):
        require_parity(loud)


def test_the_graph_says_nothing_of_the_builders_machine(graph: export.ExportedGraph) -> None:
    content = graph.path.read_bytes()
    assert b"site-packages" not in content
    assert str(Path(export.__file__).parent).encode() not in content


def test_what_no_onnx_file_can_hold_is_refused_before_the_export() -> None:
    with torch.device("meta"):
        require_size(torch.nn.Linear(10_000, 50_000), "small")
        with pytest.raises(RefusedError, match=r"the weights of large are 2\.2 GiB, and an ONNX file holds 2 GiB"):
            require_size(torch.nn.Linear(10_000, 60_000), "large")
