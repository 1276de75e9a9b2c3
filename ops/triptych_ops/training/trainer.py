"""A data set and settings -> a run. It goes on where a killed process left it."""

import hashlib
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path

import numpy as np
import torch

from triptych_ops import export
from triptych_ops.errors import MissingError, UsageError
from triptych_ops.preprocessing import Preprocessing

from . import checkpoint
from .board import Board
from .checkpoint import Position
from .data import Dataset
from .data.inspection import Inspection, inspect
from .data.structure import PARTS
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
from .split import (
    Shares,
    Split,
    near_copies_apart,
    predefined,
    require_apart,
    require_one_class_an_image,
    stratified,
)
from .strategy import describe_change, quicken_statistics
from .teaching import digest_of, taught_by
from .times import Stopwatch

CHECKPOINT_EVERY_S = 60.0
"""Within an epoch, a checkpoint is written so often; at the end of each epoch in any case."""

_CURE = "restore the images, or name another folder with --out"
_MOST_NAMED = 5  # files in one line

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
    stopwatch: Stopwatch | None = None,
) -> Run:
    """Train, and measure the best epoch's weights on the test part; all that is learnt lies in `folder`.

    Where the folder has this training's beginning, it goes on from there, and on a CPU ends with the bits that it
    would have ended with; where it is done, nothing is done. In both cases the images, the settings, the weights that
    it began with and the shares must be those of the beginning. `stopwatch` is what the recorded time is read from, so
    that a caller can include what it did before. `threads` are torch's, `workers` the processes that
    decode images which are too many to be held in memory. `teacher` is a run of the same classes whose answers to the
    training images are imitated, as `settings.temperature` and `settings.teacher_weight` say. `weights_key` names
    one of several sets of weights in the file `weights`.

    Raises:
        MissingError: an architecture or a file does not exist.
        UsageError: settings contradict each other, or the folder holds something else.
        RefusedError: the images cannot be trained on, the folder is in use, or the training diverges.
        OSError: the folder cannot be written; what was in it stays.
    """
    require_startable(dataset, folder, settings, weights=weights, weights_key=weights_key, teacher=teacher)
    told, stopwatch = observer or Silent(), stopwatch or Stopwatch(clock)
    if teacher:
        settings = settings.model_copy(update={"teacher": digest_of(teacher, dataset)})
    make_loss(settings, weights=[1.0] if settings.balance == "weights" else None, device=torch.device("cpu"))
    with held(folder) as run:
        record = run.record if run.record_file.is_file() else None
        weights_sha256 = _digest(weights) if weights else None
        if record:
            _require_same(run, record, settings, dataset, division, weights_sha256, weights_key)
        _tell_of(dataset, told)
        told.step(f"reading {len(dataset)} images")
        if record and record.status == "done":
            run.split.require_fits(dataset, _digests(dataset, told), source=str(run.split_file), cure=_CURE)
            told.note(f"{run.path} was finished before, with these images and settings: its figures again")
            return run
        inspection = _inspected(dataset, told)
        split = _split(run, inspection, division, settings, begun=record is not None, observer=told)
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
            told.note(note)
        _require_takes(beginning, preprocessing)
        device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        if record is None:
            record = RunRecord(
                status="training",
                dataset=str(dataset.source.resolve()),
                dataset_format=dataset.format,
                dataset_layout=dataset.layout,
                settings=settings,
                architecture=beginning.architecture,
                weights=beginning.file.path.name if beginning.file else None,
                weights_sha256=weights_sha256,
                weights_key=weights_key,
                shares=None if division.split or split.seed is None else division.shares,
                predefined=split.predefined,
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
            run,
            record,
            beginning,
            split,
            dataset,
            taught=taught,
            device=device,
            workers=workers,
            observer=told,
            stopwatch=stopwatch,
        )
        record = training.finish(clock)
        told.step(f"measuring on {record.images['test']} test images")
        record = _tested(run, record, split.part(dataset, "test"))
        run.write_record(record.model_copy(update=_times(stopwatch)))
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
        stopwatch: Stopwatch,
    ) -> None:
        self._run, self._record, self._observer, self._stopwatch = run, record, observer, stopwatch
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
            stopwatch.carry_over(self._position.total_seconds, self._position.total_cpu_seconds)
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
                change = describe_change(settings, epoch=len(self._position.epochs))
                if change and not self._position.steps:
                    self._observer.note(change)
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
                **_times(self._stopwatch),
            }
        )

    def _save(self, position: Position) -> None:
        state = self._trained.network.state_dict()
        position = position.model_copy(
            update={"total_seconds": self._stopwatch.seconds, "total_cpu_seconds": self._stopwatch.cpu_seconds}
        )
        checkpoint.save(self._run.resume_file, position, state, self._trained.optimisation.state())

    def _save_weights(self) -> None:
        content = export.safetensors_bytes(
            self._trained.network.state_dict(),
            architecture=self._record.architecture,
            preprocessing=self._record.preprocessing,
            labels=self._record.classes,
        )
        write_whole(self._run.weights_file, content)


def _require_same(
    run: Run,
    record: RunRecord,
    settings: Settings,
    dataset: Dataset,
    division: Division,
    weights_sha256: str | None,
    weights_key: str | None,
) -> None:
    """Refuse to go on with, or to show again, a training that is not the one that was asked for.

    Raises:
        UsageError: something differs.
    """
    holds = f"{run.path} holds a {'finished ' if record.status == 'done' else ''}training"
    cure = "repeat its settings to see its figures" if record.status == "done" else "go on with its settings"
    cure += ", or name another folder with --out"
    begun, wanted = record.settings.model_dump(), settings.model_dump()
    for name, value in begun.items():
        if wanted[name] != value:
            raise UsageError(f"{holds} with {name} {value}, not {wanted[name]}; {cure}")
    if record.classes != dataset.classes:
        theirs = sorted(set(record.classes) ^ set(dataset.classes)) or list(record.classes)
        raise UsageError(f"{holds} with other classes, first {theirs[0]!r}; name another folder with --out")
    known = record.model_fields_set  # records of earlier versions say less
    if "weights_sha256" in known and record.weights_sha256 != weights_sha256:
        begins = record.weights if record.weights_sha256 else "the network's own weights"
        raise UsageError(f"{holds} that began with {begins}, and --weights now says otherwise; {cure}")
    if "weights_key" in known and record.weights_key != weights_key:
        raise UsageError(f"{holds} that began with --weights-key {record.weights_key}, not {weights_key}; {cure}")
    if record.shares and not division.split and tuple(division.shares) != record.shares:
        raise UsageError(f"{holds} with shares {_colons(record.shares)}, not {_colons(division.shares)}; {cure}")
    if division.split and any(division.split.names(part) != run.split.names(part) for part in PARTS):
        raise UsageError(f"{holds} with another split than {division.source}; {cure}")


def _colons(shares: Iterable[float]) -> str:
    return ":".join(f"{share:g}" for share in shares)


def _digest(weights: Path) -> str:
    if not weights.is_file():
        raise MissingError(f"there is no file {weights}; name a file of weights")
    with weights.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _times(stopwatch: Stopwatch) -> dict[str, float]:
    return {"seconds": round(stopwatch.seconds, 3), "cpu_seconds": round(stopwatch.cpu_seconds, 3)}


def _tell_of(dataset: Dataset, observer: Observer) -> None:
    """Say how the folders were understood, and which files were left out."""
    for words, names in (
        ("files of systems were skipped", dataset.skipped),
        ("files that are no images", dataset.ignored),
    ):
        if names:
            more = f", and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
            observer.note(f"{words}: {', '.join(names[:_MOST_NAMED])}{more}")


def _digests(dataset: Dataset, observer: Observer) -> dict[str, str]:
    digests = {}
    for done, sample in enumerate(dataset.samples, 1):
        digests[sample.name] = hashlib.sha256(sample.read()).hexdigest()
        observer.advance(done, len(dataset))
    return digests


def _inspected(dataset: Dataset, observer: Observer) -> Inspection:
    done = 0

    def advance(count: int) -> None:
        nonlocal done
        done += count
        observer.advance(done, len(dataset))

    inspection = inspect(dataset, advance=advance)
    inspection.require_usable()
    return inspection


def _split(
    run: Run, inspection: Inspection, division: Division, settings: Settings, *, begun: bool, observer: Observer
) -> Split:
    dataset, digests, source = inspection.dataset, inspection.digests, str(run.split_file)
    if begun:
        split = run.split
    elif division.split:
        split, source = division.split, division.source
    else:
        divide = predefined if dataset.parts else stratified
        near_copies = inspection.near_copies
        split = divide(dataset, digests, shares=division.shares, seed=settings.seed, near_copies=near_copies)
    require_one_class_an_image(dataset, digests)
    if begun:
        split.require_fits(dataset, digests, source=source, cure=_CURE)
    else:
        split.require_fits(dataset, digests, source=source)
        require_apart(split, source=division.source if division.split else str(dataset.source))
        _tell_of_division(split, dataset, inspection, division, observer)
    return split


def _tell_of_division(
    split: Split, dataset: Dataset, inspection: Inspection, division: Division, observer: Observer
) -> None:
    """Say which parts the data set itself names, what became of the others, and where near copies lie apart."""
    if dataset.parts and division.split:
        observer.note(f"the parts that {dataset.source} names are not used, since {division.source} divides the images")
    elif dataset.parts:
        counts = ", ".join(f"{len(split.names(part))} {part}" for part in PARTS)
        made = [part for part in PARTS if part not in dataset.parts]
        taken = f" ({' and '.join(made)} taken from train by --shares {_colons(division.shares)})" if made else ""
        observer.note(
            f"{dataset.source} is divided already, and its parts are the split: {counts} images{taken}; "
            "--layout pooled divides all anew, --layout classes takes the folders for classes"
        )
    if apart := near_copies_apart(split, inspection.near_copies):
        observer.note(
            f"{len(apart)} pictures lie in two parts as near copies, first {apart[0][0]!r} and {apart[0][1]!r}: "
            "the test accuracy may be too good; `triptych data check` lists all"
        )


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
