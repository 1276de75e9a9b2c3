"""Servers for faults."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from .served import Watched


@pytest.fixture
def servers(store: Path, tmp_path: Path) -> Iterator[tuple[Watched, Watched]]:
    """Two servers of one release."""
    folders = (tmp_path / "first", tmp_path / "second")
    for folder in folders:
        folder.mkdir()
    with Watched(store, folders[0]) as first, Watched(store, folders[1]) as second:
        yield first, second
