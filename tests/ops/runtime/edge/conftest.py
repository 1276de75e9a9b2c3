"""A real Envoy before a fake Triton, once for all tests here."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from certificates import Authority
from edges import edge_before
from triptych_ops.runtime.edge import Edge

from .upstream import FakeTriton, fake_triton


@pytest.fixture(scope="session")
def behind() -> Iterator[FakeTriton]:
    """What stands behind the edge."""
    with fake_triton() as fake:
        yield fake


@pytest.fixture(scope="session")
def edge(behind: FakeTriton) -> Iterator[Edge]:
    """An edge with its default limits, in plain, for everybody."""
    with edge_before(behind.ports) as running:
        yield running


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """Signs certificates."""
    return Authority(tmp_path_factory.mktemp("certificates"), "authority")


@pytest.fixture(scope="session")
def certificate(authority: Authority) -> tuple[Path, Path]:
    """A server's certificate and its key."""
    return authority.issue("server")
