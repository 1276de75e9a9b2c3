"""A real Triton with a built release, for edges in front of it."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from certificates import Authority
from commands import triptych
from edges import triton
from triptych.health import image
from triptych_ops.runtime import Server


@pytest.fixture(scope="session")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with release 1: built here, or the one in `TRIPTYCH_TEST_STORE`, which saves a minute."""
    if built := os.environ.get("TRIPTYCH_TEST_STORE"):
        return Path(built)
    path = tmp_path_factory.mktemp("store")
    done = triptych("build", "--store", path)
    assert done.returncode == 0, done.stderr
    return path


@pytest.fixture(scope="module")
def server(store: Path) -> Iterator[Server]:
    """A ready Triton."""
    with triton(store) as running:
        yield running


@pytest.fixture(scope="session")
def photograph() -> bytes:
    """The built-in image."""
    return image()


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    """Signs certificates."""
    return Authority(tmp_path, "authority")
