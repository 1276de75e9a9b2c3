"""Optimisers over a network's named parameters, and their state by those names."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import torch

from . import schedule
from .settings import Optimizer, Settings

_BETAS = (0.9, 0.999)  # Kingma and Ba, https://arxiv.org/abs/1412.6980


class Optimisation:
    """One optimiser whose learning rate follows the settings' schedule."""

    def __init__(self, settings: Settings, network: torch.nn.Module, head_name: str) -> None:
        self._settings = settings
        self._names: dict[torch.Tensor, str] = {parameter: name for name, parameter in network.named_parameters()}
        head = set(network.get_submodule(head_name).parameters())
        below = [parameter for parameter in self._names if parameter not in head]
        self._shares = (1.0, settings.backbone_rate)
        groups = [{"params": [each for each in self._names if each in head]}, {"params": below}]
        self._optimizer = _MAKERS[settings.optimizer](settings, groups)

    def step(self, loss: torch.Tensor, *, epochs_done: float) -> None:
        """One step down the gradient of `loss`, so many epochs after the beginning."""
        for group, share in zip(self._optimizer.param_groups, self._shares, strict=True):
            group["lr"] = self.learning_rate(epochs_done) * share
        self._optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        self._optimizer.step()

    def learning_rate(self, epochs_done: float) -> float:
        """Of the head."""
        return self._settings.learning_rate * schedule.rate(self._settings, epochs_done=epochs_done)

    def state(self) -> dict[str, torch.Tensor]:
        """`PARAMETER/KEY` -> tensor, of every parameter that has been trained."""
        return {
            f"{self._names[parameter]}/{key}": value
            for parameter, values in self._optimizer.state.items()
            for key, value in values.items()
            if isinstance(value, torch.Tensor)
        }

    def restore(self, state: Mapping[str, torch.Tensor]) -> None:
        """Go on from what `state` gave."""
        parameters = {name: parameter for parameter, name in self._names.items()}
        for place, tensor in state.items():
            name, _, key = place.rpartition("/")
            self._optimizer.state[parameters[name]][key] = tensor


def _adam(settings: Settings, groups: list[dict[str, Any]]) -> torch.optim.Optimizer:
    return torch.optim.Adam(groups, lr=settings.learning_rate, betas=_BETAS, weight_decay=settings.weight_decay)


def _adamw(settings: Settings, groups: list[dict[str, Any]]) -> torch.optim.Optimizer:
    return torch.optim.AdamW(groups, lr=settings.learning_rate, betas=_BETAS, weight_decay=settings.weight_decay)


def _sgd(settings: Settings, groups: list[dict[str, Any]]) -> torch.optim.Optimizer:
    return torch.optim.SGD(
        groups, lr=settings.learning_rate, momentum=settings.momentum, weight_decay=settings.weight_decay
    )


_MAKERS: Mapping[Optimizer, Callable[[Settings, list[dict[str, Any]]], torch.optim.Optimizer]] = MappingProxyType(
    {"adam": _adam, "adamw": _adamw, "sgd": _sgd}
)
