"""A built release on the real Triton, as clients see it through a bad network."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from commands import Serving


@pytest.fixture(scope="session")
def serving(store: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    """`triptych serve` of the newest release on free ports."""
    with Serving(store, tmp_path_factory.mktemp("scratch")) as running:
        yield running
