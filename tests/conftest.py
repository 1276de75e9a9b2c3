"""What all tests share. Tests below tests/server need the real Triton and are marked `server`."""

from pathlib import Path

import pytest

SERVER_TESTS = Path(__file__).parent / "server"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(SERVER_TESTS):
            item.add_marker("server")


@pytest.fixture(scope="session")
def checkout() -> Path:
    """The root of the repository."""
    return Path(__file__).parents[1]
