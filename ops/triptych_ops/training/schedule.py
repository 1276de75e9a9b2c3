"""The learning rate over a training, as a share of the settings' own. Pure."""

import math
from collections.abc import Callable, Mapping
from types import MappingProxyType

from .settings import Schedule, Settings


def rate(settings: Settings, *, epochs_done: float) -> float:
    """The share after so many epochs, parts of one included.

    It rises evenly over the warm-up, then follows the schedule from its beginning.
    """
    warmup = min(settings.warmup_epochs, settings.epochs)
    if epochs_done < warmup:
        return max(epochs_done, 1 / 64) / warmup  # not 0, with which the first step would be lost
    return _COURSES[settings.schedule](settings, epochs_done - warmup, max(settings.epochs - warmup, 1))


def _constant(_settings: Settings, _epochs_done: float, _epochs: int) -> float:
    return 1.0


def _step(settings: Settings, epochs_done: float, _epochs: int) -> float:
    return float(settings.step_gamma ** (math.floor(epochs_done) // settings.step_epochs))


def _cosine(_settings: Settings, epochs_done: float, epochs: int) -> float:
    # Loshchilov and Hutter, https://arxiv.org/abs/1608.03983, without restarts
    return (1 + math.cos(math.pi * min(epochs_done / epochs, 1.0))) / 2


_COURSES: Mapping[Schedule, Callable[[Settings, float, int], float]] = MappingProxyType(
    {"constant": _constant, "step": _step, "cosine": _cosine}
)
