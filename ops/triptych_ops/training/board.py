"""The figures of each epoch for TensorBoard."""

from pathlib import Path

from .run import Epoch


class Board:
    """Writes event files; after a kill, those of epochs that come again are passed over by TensorBoard."""

    def __init__(self, folder: Path, *, first_epoch: int) -> None:
        from torch.utils.tensorboard import SummaryWriter

        self._writer = SummaryWriter(str(folder), purge_step=first_epoch)

    def add(self, epoch: Epoch) -> None:
        """Write an epoch's figures, through to the file."""
        for name, value in (
            ("loss/train", epoch.train_loss),
            ("loss/validation", epoch.validation_loss),
            ("accuracy/train", epoch.train_accuracy),
            ("accuracy/validation", epoch.validation_accuracy),
            ("learning rate", epoch.learning_rate),
        ):
            self._writer.add_scalar(name, value, epoch.epoch)
        self._writer.flush()

    def close(self) -> None:
        """End the file."""
        self._writer.close()
