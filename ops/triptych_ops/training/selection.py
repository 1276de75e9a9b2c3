"""Which epoch is the best, and when there are enough. Pure."""

from .run import Epoch
from .settings import Settings


def best_epoch(epochs: tuple[Epoch, ...]) -> int | None:
    """The epoch with the highest validation accuracy; of equals that with the lowest loss, of these the first."""
    ranked = [(-epoch.validation_accuracy, epoch.validation_loss, epoch.epoch) for epoch in epochs]
    return min(ranked)[-1] if ranked else None


def stopped(epochs: tuple[Epoch, ...], settings: Settings) -> bool:
    """Whether all epochs are done, or so many have passed without a lower validation loss as patience lasts."""
    if len(epochs) >= settings.epochs:
        return True
    if settings.patience is None or not epochs:
        return False
    lowest = min(epochs, key=lambda epoch: (epoch.validation_loss, epoch.epoch))
    return len(epochs) - lowest.epoch >= settings.patience
