"""The real thing, once for all tests here: a built release, and `triptych serve` of it."""

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from commands import Serving, triptych
from triptych import Client


@pytest.fixture(scope="session")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with release 1: built by the command line, or the one in `TRIPTYCH_TEST_STORE`, which saves a minute."""
    if built := os.environ.get("TRIPTYCH_TEST_STORE"):
        return Path(built)
    path = tmp_path_factory.mktemp("store")
    done = triptych("build", "--store", path, "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["release"] == 1
    return path


@pytest.fixture(scope="session")
def serving(store: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    """`triptych serve` of release 1 on free ports."""
    with Serving(store, tmp_path_factory.mktemp("scratch")) as running:
        yield running


@pytest.fixture(params=["grpc", "http"])
def url(serving: Serving, request: pytest.FixtureRequest) -> str:
    """The server's URL, once for each protocol."""
    return serving.ports.grpc_url if request.param == "grpc" else serving.ports.http_url


@pytest.fixture
def client(url: str) -> Iterator[Client]:
    with Client(url) as made:
        yield made
