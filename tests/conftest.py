"""What all tests share. Tests in some folders need more time or more around them, and are marked by their path."""

from pathlib import Path

import pytest

from callers import caller as caller
from callers import protocol as protocol
from cases import CaseTable

# One store for all: s3fs keeps its connections by address of the bucket, whatever endpoint the environment names later.
from object_store import new_prefix as new_prefix
from object_store import objects as objects

_TESTS = Path(__file__).parent
_MARKERS = {
    _TESTS / "server": "server",
    _TESTS / "loadtests" / "benchmark": "server",
    _TESTS / "loadtests" / "test_release_pipeline.py": "server",
    _TESTS / "loadtests" / "runs": "server",
    _TESTS / "ops" / "gateway": "server",
    _TESTS / "ops" / "runtime" / "edge": "server",
    _TESTS / "ops" / "monitoring" / "test_rules.py": "server",
    _TESTS / "ops" / "monitoring" / "test_budget.py": "server",
    _TESTS / "faults": "faults",
    _TESTS / "helm": "helm",
    _TESTS / "cluster": "cluster",
    _TESTS / "ops" / "export": "torch",
    _TESTS / "ops" / "test_decoding.py": "torch",
    _TESTS / "ops" / "training": "torch",
    _TESTS / "model_repository" / "test_dali_decoder.py": "torch",
    _TESTS / "model_repository" / "test_dali_graph.py": "torch",
    _TESTS / "model_repository" / "test_preprocessing_modes.py": "torch",
}


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(CaseTable())


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Import nothing of what `-m` leaves out as a whole: torch and its like take longer than the tests beside them."""
    left_out = any(f"not {marker}" in config.option.markexpr for marker in _markers(collection_path))
    return True if left_out else None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        for marker in _markers(item.path):
            item.add_marker(marker)


def _markers(path: Path) -> list[str]:
    return [marker for folder, marker in _MARKERS.items() if path.is_relative_to(folder)]


@pytest.fixture(scope="session")
def checkout() -> Path:
    """The root of the repository."""
    return Path(__file__).parents[1]
