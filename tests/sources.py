"""Sources that are no part of a package, because Triton imports them: loaded from their files."""

import importlib
import sys
from itertools import count
from pathlib import Path
from types import ModuleType

_numbers = count(1)


def load_source(path: Path) -> ModuleType:
    """The module in `path`, executed anew, as Triton does it: in a package with what lies beside it."""
    package = ModuleType(f"source_{next(_numbers)}")
    package.__path__ = [str(path.parent)]
    sys.modules[package.__name__] = package
    return importlib.import_module(f"{package.__name__}.{path.stem}")
