"""Epochs of training. Where it stands is plain data, and each step's randomness comes from its number alone:
so it can be left after any step, and goes on as if it had not been.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from triptych_ops.errors import RefusedError

from .checkpoint import Position
from .frozen import Features, compute_features
from .inputs import Batch, Inputs, Key, in_order, shuffled
from .losses import Loss, imitation
from .observer import Observer
from .optimisation import Optimisation
from .quantisation import simulate_activations, simulated
from .randomness import seed_of, seed_torch
from .run import Epoch
from .settings import Settings
from .strategy import set_trained, trained_share
from .times import cpu_seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What is trained on, and what chooses between epochs."""

    train: Inputs
    validation: Inputs
    train_classes: Sequence[int]  # of each sample


@dataclass(frozen=True, slots=True, kw_only=True)
class Trained:
    """A network in training."""

    network: torch.nn.Module
    head_name: str
    optimisation: Optimisation
    loss: Loss
    device: torch.device
    taught: torch.Tensor | None = None  # a teacher's logits (N, C) of the training images

    @property
    def head(self) -> torch.nn.Module:
        """The last linear layer."""
        return self.network.get_submodule(self.head_name)


class Loop:
    """The epochs of one training."""

    def __init__(
        self,
        settings: Settings,
        trained: Trained,
        parts: Parts,
        *,
        workers: int,
        observer: Observer,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._settings = settings
        self._trained = trained
        self._parts = parts
        self._workers = workers
        self._observer = observer
        self._clock = clock
        if settings.quantisation_aware:
            simulate_activations(trained.network)
        self._features: tuple[Features, Features] | None = None  # of training and validation

    def epoch(self, position: Position, *, after_step: Callable[[Position], None]) -> Epoch:
        """Train from `position` to the end of its epoch; `after_step` is told where the training stands.

        Raises:
            RefusedError: the loss is no number any more.
        """
        settings, trained, epoch = self._settings, self._trained, len(position.epochs)
        share = trained_share(settings, epoch=epoch)
        set_trained(trained.network, trained.head_name, share=share)
        # A view that is random is another each time, so its features cannot be kept.
        frozen = share == 0 and settings.augmentation == "none" and not settings.quantisation_aware
        if frozen and self._features is None:
            self._features = self._computed_features()
            set_trained(trained.network, trained.head_name, share=share)
        began = self._clock() - position.seconds
        cpu_before = cpu_seconds() - position.cpu_seconds
        keys = shuffled(
            self._parts.train_classes,
            balance=settings.balance,
            batch_size=settings.batch_size,
            seed=settings.seed,
            epoch=epoch,
        )
        total = settings.epochs * len(keys)
        network = trained.head if frozen else trained.network
        for step, (inputs, classes) in enumerate(self._batches(keys[position.steps :], frozen=frozen), position.steps):
            seed_torch(seed_of(settings.seed, epoch, step), trained.device)
            logits, loss = self._loss(network, inputs, classes, of=keys[step])
            trained.optimisation.step(loss, epochs_done=epoch + step / len(keys))
            value = loss.item()
            if not np.isfinite(value):
                raise RefusedError(
                    f"the loss is {value} in epoch {epoch + 1}: the training diverges; lower --learning-rate"
                )
            position = position.model_copy(
                update={
                    "steps": step + 1,
                    "images": position.images + len(classes),
                    "loss_sum": position.loss_sum + value * len(classes),
                    "correct": position.correct + int((logits.argmax(dim=1) == classes).sum()),
                    "seconds": self._clock() - began,
                    "cpu_seconds": cpu_seconds() - cpu_before,
                }
            )
            self._observer.advance(epoch * len(keys) + step + 1, total)
            after_step(position)
        validation_loss, validation_accuracy = self._validated(frozen=frozen)
        return Epoch(
            epoch=epoch + 1,
            learning_rate=trained.optimisation.learning_rate(epoch + (len(keys) - 1) / len(keys)),
            train_loss=position.loss_sum / position.images,
            train_accuracy=position.correct / position.images,
            validation_loss=validation_loss,
            validation_accuracy=validation_accuracy,
            seconds=round(self._clock() - began, 3),
            cpu_seconds=round(cpu_seconds() - cpu_before, 3),
        )

    def _batches(self, keys: Sequence[list[Key]], *, frozen: bool) -> Iterator[Batch]:
        if frozen and self._features:
            return self._features[0].batches(keys)
        return self._parts.train.batches(keys, workers=self._workers)

    def _loss(
        self, network: torch.nn.Module, inputs: torch.Tensor, classes: torch.Tensor, *, of: Sequence[Key] = ()
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Logits, and the loss; of training images by the teacher's answers, too, where there is one."""
        device = self._trained.device
        if inputs.ndim == 4:  # images, not features
            inputs = inputs.to(device, memory_format=torch.channels_last)
        mixed = self._settings.mixed_precision and device.type != "cpu"
        with torch.autocast(device.type, dtype=torch.bfloat16, enabled=mixed):
            logits = simulated(network, inputs) if self._settings.quantisation_aware else network(inputs)
        logits = logits.float()
        loss = self._trained.loss(logits, classes.to(device))
        if of and self._trained.taught is not None:
            taught = self._trained.taught[[index for _, index in of]].to(device)
            share = self._settings.teacher_weight
            soft = imitation(logits, taught, temperature=self._settings.temperature)
            loss = share * soft + (1 - share) * loss
        return logits.detach().cpu(), loss

    def _validated(self, *, frozen: bool) -> tuple[float, float]:
        """Loss and accuracy over the validation part."""
        keys = in_order(len(self._parts.validation), batch_size=self._settings.batch_size)
        self._trained.network.eval()
        network = self._trained.head if frozen else self._trained.network
        loss_sum, correct = 0.0, 0
        batches = (
            self._features[1].batches(keys)
            if frozen and self._features
            else self._parts.validation.batches(keys, workers=self._workers)
        )
        with torch.inference_mode():
            for inputs, classes in batches:
                logits, loss = self._loss(network, inputs, classes)
                loss_sum += loss.item() * len(classes)
                correct += int((logits.argmax(dim=1) == classes).sum())
        count = len(self._parts.validation)
        return loss_sum / count, correct / count

    def _computed_features(self) -> tuple[Features, Features]:
        self._observer.step("computing the features of every image, once")
        done, total = 0, len(self._parts.train) + len(self._parts.validation)

        def advance(count: int) -> None:
            nonlocal done
            done += count
            self._observer.advance(done, total)

        train, validation = (
            compute_features(
                self._trained.network,
                self._trained.head_name,
                part,
                batch_size=self._settings.batch_size,
                workers=self._workers,
                device=self._trained.device,
                advance=advance,
            )
            for part in (self._parts.train, self._parts.validation)
        )
        self._observer.step("training")
        return train, validation
