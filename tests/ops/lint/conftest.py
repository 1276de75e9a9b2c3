from pathlib import Path

import pytest

from .repositories import graph, write_ensemble


@pytest.fixture(scope="session")
def sound_graph() -> bytes:
    return graph()


@pytest.fixture
def repository(tmp_path: Path, sound_graph: bytes) -> Path:
    """A sound repository, to plant one defect in."""
    folder = tmp_path / "repository"
    write_ensemble(folder, onnx_graph=sound_graph)
    return folder


@pytest.fixture
def checkout_configs(checkout: Path) -> list[str]:
    """Every configuration that releases are made of."""
    texts = [path.read_text(encoding="utf-8") for path in (checkout / "model_repository").rglob("*.pbtxt")]
    assert texts
    return texts
