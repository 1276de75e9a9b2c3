"""The model sources run inside Triton, not in a package: they are loaded from their files."""

from pathlib import Path
from types import ModuleType

import pytest

from sources import load_source


@pytest.fixture(scope="session")
def image_pipeline(checkout: Path) -> ModuleType:
    return load_source(checkout / "model_repository" / "preprocess" / "source" / "image_pipeline.py")


@pytest.fixture(scope="session")
def decoding(checkout: Path) -> ModuleType:
    return load_source(checkout / "model_repository" / "preprocess" / "source" / "decoding.py")


@pytest.fixture(scope="session")
def ranking(checkout: Path) -> ModuleType:
    return load_source(checkout / "model_repository" / "postprocess" / "source" / "ranking.py")


@pytest.fixture(scope="session")
def answers(checkout: Path) -> ModuleType:
    return load_source(checkout / "model_repository" / "postprocess" / "source" / "answers.py")


@pytest.fixture(scope="session")
def counters(checkout: Path) -> ModuleType:
    return load_source(checkout / "model_repository" / "postprocess" / "source" / "counters.py")
