"""Small releases, and an empty store of each kind."""

from collections.abc import Callable
from pathlib import Path

import pytest

import releases
from triptych_ops.preprocessing import Preprocessing
from triptych_ops.release import Assembly, Manifest, Store


@pytest.fixture
def preprocessing() -> Preprocessing:
    return releases.PREPROCESSING


@pytest.fixture
def assembly(tmp_path: Path, preprocessing: Preprocessing) -> Assembly:
    graph = tmp_path / "exported.onnx"
    graph.write_bytes(b"graph")
    return Assembly(
        number=7,
        graph=graph,
        labels=releases.LABELS,
        embedding_size=9,
        top_k=2,
        preprocessing=preprocessing,
        health_class_id=3,
        health_score=0.12345678,
    )


@pytest.fixture
def manifest_of() -> Callable[[int, Path], Manifest]:
    """The manifest of the release `number` whose files lie in `folder`."""
    return releases.manifest


@pytest.fixture(params=["folder", pytest.param("bucket", marks=pytest.mark.server)])
def store(tmp_path: Path, request: pytest.FixtureRequest) -> Store:
    """An empty store, once in a folder and once in a bucket."""
    if request.param == "folder":
        return Store(tmp_path / "store", user="ann@host")
    return Store(request.getfixturevalue("new_prefix")(), user="ann@host")


@pytest.fixture
def folder_store(tmp_path: Path) -> Store:
    """An empty store in a folder."""
    return Store(tmp_path / "store", user="ann@host")
