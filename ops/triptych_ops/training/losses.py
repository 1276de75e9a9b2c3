"""Losses: logits (N, C) and classes (N,) -> the mean over the images, differentiable."""

import importlib
import os
import sys
from collections.abc import Callable, Sequence

import torch
from torch import nn

from triptych_ops.errors import MissingError, UsageError

from .preflight import CROSS_ENTROPY, FOCAL, require_loss
from .settings import Settings

Loss = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]


class FocalLoss(nn.Module):
    """-(1 - p)^gamma log p of the true class: what is already right counts little.

    Lin et al., Focal loss for dense object detection, https://arxiv.org/abs/1708.02002, equation 4, for many
    classes. With gamma = 0 it is the cross-entropy. Weights make it a weighted mean, as torch's cross-entropy does.
    """

    def __init__(self, *, gamma: float, weight: torch.Tensor | None = None) -> None:
        super().__init__()
        self._gamma = gamma
        self._weight = weight

    def forward(self, logits: torch.Tensor, classes: torch.Tensor) -> torch.Tensor:
        """The mean loss of logits (N, C) where the true classes are (N,)."""
        log_p = torch.log_softmax(logits, dim=1).gather(1, classes[:, None])[:, 0]  # (N,)
        losses = -((1 - log_p.exp()).clamp(min=0) ** self._gamma) * log_p
        if self._weight is None:
            return losses.mean()
        weights = self._weight[classes]
        return (weights * losses).sum() / weights.sum()


def imitation(logits: torch.Tensor, taught: torch.Tensor, *, temperature: float) -> torch.Tensor:
    """How far logits (N, C) are from a teacher's, (N, C) too, both softened by the temperature; the mean over images.

    Hinton, Vinyals and Dean, Distilling the Knowledge in a Neural Network, https://arxiv.org/abs/1503.02531: the
    cross-entropy of soft targets, here as a divergence, whose gradient is the same, times the square of the
    temperature, so that its weight against the true classes does not depend on it.
    """
    own, theirs = (torch.log_softmax(each / temperature, dim=1) for each in (logits, taught))
    return nn.functional.kl_div(own, theirs, reduction="batchmean", log_target=True) * temperature**2


def class_weights(counts: Sequence[int]) -> list[float]:
    """Weights by which each class counts alike, whatever its number of images; their mean over the images is 1."""
    return [sum(counts) / (len(counts) * count) for count in counts]


def make_loss(settings: Settings, *, weights: Sequence[float] | None, device: torch.device) -> Loss:
    """The loss that the settings name; `weights` are the classes', where they are to be balanced so.

    Raises:
        MissingError: the user's own module or name does not exist.
        UsageError: it cannot be called, or cannot be combined with other settings.
    """
    require_loss(settings, weighted=weights is not None)
    weight = None if weights is None else torch.tensor(weights, dtype=torch.float32, device=device)
    if settings.loss == CROSS_ENTROPY:
        return nn.CrossEntropyLoss(weight=weight, label_smoothing=settings.label_smoothing)
    if settings.loss == FOCAL:
        return FocalLoss(gamma=settings.focal_gamma, weight=weight)
    return _imported(settings.loss)


def _imported(place: str) -> Loss:
    module_name, _, name = place.partition(":")
    if (here := os.getcwd()) not in sys.path:  # noqa: PTH109  as `python -m` does
        sys.path.insert(0, here)
    try:
        found = getattr(importlib.import_module(module_name), name)
    except (ImportError, AttributeError, ValueError) as error:
        raise MissingError(f"the loss {place} cannot be imported: {error}; it is sought as Python does") from error
    if isinstance(found, type):
        try:
            found = found()
        except TypeError as error:
            raise UsageError(f"the loss {place} cannot be made without arguments: {error}") from error
    if not callable(found):
        raise UsageError(f"the loss {place} cannot be called; name a function of logits (N, C) and classes (N,)")
    loss: Loss = found
    return loss
