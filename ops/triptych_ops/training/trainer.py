"""A data set and settings -> a run. It goes on where a killed process left it."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path

import numpy as np
import torch

from triptych_ops import export
from triptych_ops.errors import UsageError
from triptych_ops.preprocessing import Preprocessing

from . import checkpoint
from .board import Board
from .checkpoint import Position
from .data import Dataset
from .data.inspection import Inspection, inspect
from .files import write_whole
from .holding import held
from .inputs import Inputs
from .loop import Loop, Parts, Trained
from .losses import class_weights, make_loss
from .model import load_model, probabilities
from .observer import Observer, Silent
from .optimisation import Optimisation
from .preflight import require_startable
from .run import Run, RunRecord
from .selection import best_epoch, stopped
from .settings import Settings
from .split import PARTS, Shares, Split, require_one_class_an_image, stratified
from .strategy import quicken_statistics
from .teaching import digest_of, taught_by

CHECKPOINT_EVERY_S = 60.0
"""Within an epoch, a checkpoint is written so often; at the end of each epoch in any case."""

_TOOLCHAIN = ("triptych", "torch", "torchvision", "timm", "numpy", "pillow")


@dataclass(frozen=True, slots=True, kw_only=True)
class Division:
    """How the images are divided where the run has not divided them yet."""

    shares: Shares = field(default_factory=Shares)
    split: Split | None = None  # made before
    source: str = "the split"  # what errors call it


def train(
    dataset: Dataset,
    folder: Path,
    settings: Settings,
    *,
    weights: Path | None = None,
    weights_key: str | None = None,
    division: Division = Division(),
    threads: int | None = None,
    workers: int = 0,
    teacher: Run | None = None,
    observer: Observer | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> Run:
    """Train, and measure the best epoch's weights on the test part; all that is learnt lies in `folder`.

    Where the folder has this training's beginning, it goes on from there, and on a CPU ends with the bits that it
    would have ended with; where it is done, nothing is done. `threads` are torch's, `workers` the processes that
    decode images which are too many to be held in memory. `teacher` is a run of the same classes whose answers to the
    training images are imitated, as `settings.temperature` and `settings.teacher_weight` say. `weights_key` names
    one of several sets of weights in the file `weights`.

    Raises:
        MissingError: an architecture or a file does not exist.
        UsageError: settings contradict each other, or the folder holds something else.
        RefusedError: the images cannot be trained on, the folder is in use, or the training diverges.
        OSError: the folder cannot be written; what was in it stays.
    """
    told = observer or Silent()
    require_startable(dataset, folder, settings, weights=weights, weights_key=weights_key, teacher=teacher)
    if teacher:
        settings = settings.model_copy(update={"teacher": digest_of(teacher, dataset)})
    make_loss(settings, weights=[1.0] if settings.balance == "weights" else None, device=torch.device("cpu"))
    with held(folder) as run:
        record = run.record if run.record_file.is_file() else None
        if record:
            _require_same(run, record, settings, dataset)
            if record.status == "done":
                told.step("the training is done already")
                return run
        told.step(f"reading {len(dataset)} images")
        inspection = _inspected(dataset, told)
        split = _split(run, inspection, division, settings, begun=record is not None)
        threads = record.threads if record else (threads or torch.get_num_threads())
        torch.set_num_threads(threads)
        beginning = export.begin(
            settings.architecture,
            classes=len(dataset.classes),
            pretrained=settings.pretrained,
            weights=weights,
            key=weights_key,
            seed=settings.seed,
        )
        preprocessing = beginning.preprocessing.adjusted(
            crop=settings.image_size,
            resize=settings.resize,
            crop_pct=settings.crop_pct,
            interpolation=settings.interpolation,
        )
        for note in beginning.notes:
            told.step(f"note: {note}")
        _require_takes(beginning, preprocessing)
        device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        if record is None:
            record = RunRecord(
                status="training",
                dataset=str(dataset.source.resolve()),
                dataset_format=dataset.format,
                settings=settings,
                architecture=beginning.architecture,
                weights=beginning.file.path.name if beginning.file else None,
                preprocessing=preprocessing,
                classes=dataset.classes,
                images={part: len(split.names(part)) for part in PARTS},
                threads=threads,
                device=device.type,
                toolchain={package: metadata.version(package) for package in _TOOLCHAIN},
            )
            split.write(run.split_file)
            run.write_record(record)
        taught = taught_by(teacher, split.part(dataset, "train"), told) if teacher else None
        training = _Training(
            run, record, beginning, split, dataset, taught=taught, device=device, workers=workers, observer=told
        )
        record = training.finish(clock)
        told.step(f"measuring on {record.images['test']} test images")
        record = _tested(run, record, split.part(dataset, "test"))
        run.write_record(record)
        run.resume_file.unlink(missing_ok=True)
        return run


class _Training:
    """The part between the first record and the last epoch."""

    def __init__(
        self,
        run: Run,
        record: RunRecord,
        beginning: export.Beginning,
        split: Split,
        dataset: Dataset,
        *,
        taught: torch.Tensor | None,
        device: torch.device,
        workers: int,
        observer: Observer,
    ) -> None:
        self._run, self._record, self._observer = run, record, observer
        settings = record.settings
        network = beginning.network.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        quicken_statistics(network)
        train, validation = split.part(dataset, "train"), split.part(dataset, "validation")
        balanced = class_weights(train.class_counts) if settings.balance == "weights" else None
        self._trained = Trained(
            network=network,
            head_name=beginning.head_name,
            optimisation=Optimisation(settings, network, beginning.head_name),
            loss=make_loss(settings, weights=balanced, device=device),
            device=device,
            taught=taught,
        )
        self._position = Position()
        if run.resume_file.is_file():
            self._position, tensors, optimiser = checkpoint.load(run.resume_file)
            network.load_state_dict(tensors)
            self._trained.optimisation.restore({name: tensor.to(device) for name, tensor in optimiser.items()})
            observer.step(f"going on after epoch {len(self._position.epochs)}, batch {self._position.steps}")
        self._parts = Parts(
            train=Inputs(train, record.preprocessing, augmentation=settings.augmentation),
            validation=Inputs(validation, record.preprocessing, augmentation="none"),
            train_classes=[sample.label for sample in train.samples],
        )
        self._workers = workers

    def finish(self, clock: Callable[[], float]) -> RunRecord:
        """Train the epochs that are left; the record with their figures."""
        settings = self._record.settings
        loop = Loop(settings, self._trained, self._parts, workers=self._workers, observer=self._observer, clock=clock)
        board = Board(self._run.tensorboard_folder, first_epoch=len(self._position.epochs) + 1)
        self._observer.step("training")
        saved_at = clock()

        def after_step(position: Position) -> None:
            nonlocal saved_at
            if clock() - saved_at >= CHECKPOINT_EVERY_S:
                self._save(position)
                saved_at = clock()

        try:
            while not stopped(self._position.epochs, settings):
                epoch = loop.epoch(self._position, after_step=after_step)
                epochs = (*self._position.epochs, epoch)
                is_best = best_epoch(epochs) == epoch.epoch
                if is_best:
                    self._save_weights()
                board.add(epoch)
                self._position = Position(epochs=epochs)
                self._save(self._position)
                saved_at = clock()
                self._run.write_record(self._recorded())
                self._observer.epoch(epoch, best=is_best)
        finally:
            board.close()
        return self._recorded()

    def _recorded(self) -> RunRecord:
        epochs = self._position.epochs
        return self._record.model_copy(
            update={
                "epochs": epochs,
                "best_epoch": best_epoch(epochs),
                "seconds": round(sum(epoch.seconds for epoch in epochs), 3),
                "cpu_seconds": round(sum(epoch.cpu_seconds for epoch in epochs), 3),
            }
        )

    def _save(self, position: Position) -> None:
        state = self._trained.network.state_dict()
        checkpoint.save(self._run.resume_file, position, state, self._trained.optimisation.state())

    def _save_weights(self) -> None:
        content = export.safetensors_bytes(
            self._trained.network.state_dict(),
            architecture=self._record.architecture,
            preprocessing=self._record.preprocessing,
            labels=self._record.classes,
        )
        write_whole(self._run.weights_file, content)


def _require_same(run: Run, record: RunRecord, settings: Settings, dataset: Dataset) -> None:
    begun, wanted = record.settings.model_dump(), settings.model_dump()
    for name, value in begun.items():
        if wanted[name] != value:
            raise UsageError(
                f"{run.path} holds a training with {name} {value}, not {wanted[name]}; "
                "go on with its settings, or name another folder with --out"
            )
    if record.classes != dataset.classes:
        raise UsageError(f"{run.path} holds a training with other classes; name another folder with --out")


def _inspected(dataset: Dataset, observer: Observer) -> Inspection:
    done = 0

    def advance(count: int) -> None:
        nonlocal done
        done += count
        observer.advance(done, len(dataset))

    inspection = inspect(dataset, advance=advance)
    inspection.require_usable()
    return inspection


def _split(run: Run, inspection: Inspection, division: Division, settings: Settings, *, begun: bool) -> Split:
    dataset, digests = inspection.dataset, inspection.digests
    if begun:
        split, source = run.split, str(run.split_file)
    elif division.split:
        split, source = division.split, division.source
    else:
        split = stratified(dataset, digests, shares=division.shares, seed=settings.seed)
        source = str(run.split_file)
    require_one_class_an_image(dataset, digests)
    split.require_fits(dataset, digests, source=source)
    return split


def _require_takes(beginning: export.Beginning, definition: Preprocessing) -> None:
    """Whether the network takes images of this size."""
    try:
        with torch.inference_mode():
            beginning.network(torch.zeros(1, 3, definition.crop, definition.crop))
    except (AssertionError, RuntimeError) as error:
        message = f"{beginning.architecture} takes no images of {definition.crop} pixels; leave --image-size out"
        raise UsageError(message) from error


def _tested(run: Run, record: RunRecord, test: Dataset) -> RunRecord:
    """The record with the figures of the weights in the run's own file, read back as everybody will read them."""
    found = probabilities(load_model(run), test)  # (N, C)
    labels = np.array([sample.label for sample in test.samples])
    right = found[np.arange(len(labels)), labels]
    return record.model_copy(
        update={
            "status": "done",
            "test_accuracy": float(np.mean(found.argmax(axis=1) == labels)),
            "test_loss": float(-np.log(np.maximum(right, np.finfo(np.float32).tiny)).mean()),
        }
    )
