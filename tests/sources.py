"""Sources that are no part of a package, because Triton imports them: loaded from their files."""

import importlib.util
from pathlib import Path
from types import ModuleType


def load_source(path: Path) -> ModuleType:
    """The module in `path`, called by its file's name, executed anew."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
