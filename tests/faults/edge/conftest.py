"""A real Triton with a built release, for edges in front of it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from certificates import Authority
from edges import triton
from triptych.health import image
from triptych_ops.runtime import Server


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
