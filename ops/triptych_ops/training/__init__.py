"""A folder of labelled images -> a run: a trained network, with the split, the settings and the figures of each epoch.

torch is imported only when a name that needs it is first used. Forbidden inside: stores, servers, and the insides of
`export`, whose public names make the networks.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from .data import Dataset, Sample, open_dataset
from .data.structure import PARTS, Part
from .observer import Observer, Silent
from .preflight import require_startable
from .run import Epoch, Run, RunRecord
from .settings import Settings
from .split import Shares, Split

if TYPE_CHECKING:
    from .model import load_model, probabilities
    from .trainer import Division, train

__all__ = [
    "PARTS",
    "Dataset",
    "Division",
    "Epoch",
    "Observer",
    "Part",
    "Run",
    "RunRecord",
    "Sample",
    "Settings",
    "Shares",
    "Silent",
    "Split",
    "load_model",
    "open_dataset",
    "probabilities",
    "require_startable",
    "train",
]

# Public name -> the module that needs torch.
_PLACES = {"load_model": "model", "probabilities": "model", "Division": "trainer", "train": "trainer"}


def __getattr__(name: str) -> Any:
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f".{_PLACES[name]}", __name__), name)
