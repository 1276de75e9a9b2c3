"""A built release, served; all of it real."""

import os
from pathlib import Path

import pytest

from commands import triptych


@pytest.fixture(scope="session")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with release 1: built here, or the one in `TRIPTYCH_TEST_STORE`, which saves a minute."""
    if built := os.environ.get("TRIPTYCH_TEST_STORE"):
        return Path(built)
    path = tmp_path_factory.mktemp("store")
    done = triptych("build", "--store", path)
    assert done.returncode == 0, done.stderr
    return path
