"""The model sources run inside Triton, not in a package: they are loaded from their files."""

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest


@pytest.fixture(scope="session")
def image_pipeline(checkout: Path) -> ModuleType:
    return _loaded(checkout / "model_repository" / "preprocess" / "source" / "image_pipeline.py")


@pytest.fixture(scope="session")
def ranking(checkout: Path) -> ModuleType:
    return _loaded(checkout / "model_repository" / "postprocess" / "source" / "ranking.py")


def _loaded(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
