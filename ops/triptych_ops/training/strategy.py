"""Which layers of a network are trained in which epoch.

head       the new last layer alone
full       all layers, from the beginning
gradual    the last layer, then half of the layers, then all: each for a third of the epochs
"""

import math
from collections.abc import Iterator, Mapping
from types import MappingProxyType

import torch

from .settings import Settings, Strategy

STATISTICS_MOMENTUM = 0.1
"""Share of a batch's own in the running statistics: torch's default."""

# Of each third of the epochs: the share of the layers, from the top, that is trained beside the head.
_STAGES: Mapping[Strategy, tuple[float, ...]] = MappingProxyType(
    {"head": (0.0,), "full": (1.0,), "gradual": (0.0, 0.5, 1.0)}
)


def trained_share(settings: Settings, *, epoch: int) -> float:
    """Share of the layers below the head, from the top, that is trained in an epoch, counted from 0."""
    stages = _STAGES[settings.strategy]
    return stages[min(epoch * len(stages) // settings.epochs, len(stages) - 1)]


def describe_change(settings: Settings, *, epoch: int) -> str | None:
    """Say what an epoch, counted from 0, begins to train and why the loss may jump; None where nothing changes."""
    if epoch == 0:
        return None
    share, before = (trained_share(settings, epoch=each) for each in (epoch, epoch - 1))
    if share == before:
        return None
    layers = "all layers" if share == 1 else f"the upper {share:.0%} of the layers below the head"
    return (
        f"from epoch {epoch + 1} on {layers} are trained as well ({settings.strategy}): the training loss may jump, "
        "as it is measured with their dropout and batch statistics now; judge by the validation figures"
    )


def quicken_statistics(network: torch.nn.Module) -> None:
    """Let batch normalisation follow new images within tens of steps.

    Networks that were trained for millions of steps keep 99 % of their old statistics at each, so that after a short
    training they would infer with those of other images.
    """
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d) and module.momentum is not None:
            module.momentum = max(module.momentum, STATISTICS_MOMENTUM)


def set_trained(network: torch.nn.Module, head_name: str, *, share: float) -> None:
    """Let gradients reach the head and this share of the other layers, from the top, and none else.

    What is not trained is in inference mode: no dropout, and batch normalisation keeps its statistics.
    """
    head = network.get_submodule(head_name)
    layers = [layer for layer in _layers(network) if layer is not head]
    frozen = len(layers) - math.ceil(len(layers) * share)
    network.requires_grad_(requires_grad=True)
    for layer in layers[:frozen]:
        for parameter in layer.parameters(recurse=False):
            parameter.requires_grad_(False)
    for module in network.modules():
        own = list(module.parameters())
        module.training = any(parameter.requires_grad for parameter in own) if own else share > 0
    if share == 0:
        network.eval()
        head.train()
    head.requires_grad_(requires_grad=True)


def _layers(network: torch.nn.Module) -> Iterator[torch.nn.Module]:
    """The modules with parameters of their own, in the order of their definition."""
    for module in network.modules():
        if any(True for _ in module.parameters(recurse=False)):
            yield module
