"""The folder of a run.

run.json             the settings, the images, the labels, the figures of each epoch, the test accuracy
split.json           which image was in which part
model.safetensors    the weights of the best epoch, with architecture, preprocessing and labels
resume.safetensors   all that the next step needs, until the training is done
tensorboard/         the figures of each epoch, for TensorBoard
"""

import hashlib
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from triptych_ops import export
from triptych_ops.errors import MissingError, RefusedError
from triptych_ops.preprocessing import Preprocessing

from .data import Dataset, open_dataset
from .data.structure import FoundLayout, Part
from .files import write_whole
from .settings import Settings
from .split import Split

_RECORD, _SPLIT, _WEIGHTS, _RESUME = "run.json", "split.json", "model.safetensors", "resume.safetensors"


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Epoch(_Record):
    """The figures of one epoch; accuracies are shares, losses means over images."""

    epoch: int = Field(ge=1)
    learning_rate: float  # at its end
    train_loss: float  # while it was trained: under augmentation and dropout
    train_accuracy: float
    validation_loss: float
    validation_accuracy: float
    seconds: float  # by the wall clock; this and the next differ from run to run
    cpu_seconds: float  # child processes included


class RunRecord(_Record):
    """What `run.json` holds."""

    schema_version: Literal[1] = 1
    status: Literal["training", "done"]
    dataset: str  # where the images lay
    dataset_format: str
    dataset_layout: FoundLayout = "classes"
    settings: Settings
    architecture: str  # as `triptych build --architecture` takes it
    weights: str | None  # file that the training began with; None: random weights
    weights_sha256: str | None = None  # of the user's own file
    weights_key: str | None = None  # which of its weights, where the user named them
    shares: tuple[float, float, float] | None = None  # by which images were divided; None: all parts were given
    predefined: tuple[Part, ...] = ()  # parts of the split that the data set itself names
    preprocessing: Preprocessing
    classes: tuple[str, ...]
    images: dict[Part, int]
    threads: int  # of torch: another number sums in another order
    device: str
    toolchain: dict[str, str]  # package -> version
    epochs: tuple[Epoch, ...] = ()
    best_epoch: int | None = None
    test_accuracy: float | None = None
    test_loss: float | None = None
    # Of all its processes together, from the reading of the images to the test: by the wall clock, and of processors.
    seconds: float | None = None
    cpu_seconds: float | None = None


class Run:
    """A run's folder; nothing of it is read but when it is asked for."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @classmethod
    def load(cls, path: Path) -> "Run":
        """The run in a folder.

        Raises:
            MissingError: there is none.
            RefusedError: its record is damaged.
        """
        run = cls(path)
        _ = run.record
        return run

    @property
    def record_file(self) -> Path:
        """`run.json`."""
        return self.path / _RECORD

    @property
    def split_file(self) -> Path:
        """`split.json`."""
        return self.path / _SPLIT

    @property
    def weights_file(self) -> Path:
        """Safetensors of the best epoch."""
        return self.path / _WEIGHTS

    @property
    def resume_file(self) -> Path:
        """Safetensors of all that the next step needs."""
        return self.path / _RESUME

    @property
    def tensorboard_folder(self) -> Path:
        """Event files."""
        return self.path / "tensorboard"

    @property
    def record(self) -> RunRecord:
        """What `run.json` holds now.

        Raises:
            MissingError: there is no run.
            RefusedError: it is damaged.
        """
        if not self.record_file.is_file():
            raise MissingError(f"there is no run in {self.path}; name a folder that `triptych train --out` wrote")
        try:
            return RunRecord.model_validate_json(self.record_file.read_bytes())
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(str(part) for part in first["loc"]) or "the file"
            raise RefusedError(f"{self.record_file} is damaged: {where}: {first['msg']}; train anew") from error

    def write_record(self, record: RunRecord) -> None:
        """Replace `run.json`, whole or not at all."""
        write_whole(self.record_file, (record.model_dump_json(indent=1) + "\n").encode())

    @property
    def split(self) -> Split:
        """Which image is in which part.

        Raises:
            MissingError, RefusedError: as `Split.from_file`.
        """
        return Split.from_file(self.split_file)

    def part(self, part: Part, *, source: Path | None = None) -> Dataset:
        """The images of a part, from where they lay when the run was trained, or from `source`.

        Raises:
            MissingError, UsageError, RefusedError: as `open_dataset`, or the images are not those of the split.
        """
        record = self.record
        dataset = open_dataset(source or Path(record.dataset), record.dataset_layout)
        split = self.split
        if split.classes != dataset.classes:
            raise RefusedError(f"the classes of {dataset.source} are not those of {self.path}; name the images it had")
        found = split.part(dataset, part)
        for sample in found.samples:
            if hashlib.sha256(sample.read()).hexdigest() != split.digests[sample.name]:
                raise RefusedError(f"{sample.name!r} of {dataset.source} is not what {self.path} was split with")
        return found

    @property
    def classes(self) -> tuple[str, ...]:
        """The labels, in the order of the network's outputs."""
        return self.record.classes

    def require_done(self) -> RunRecord:
        """The record of a training that came to its end.

        Raises:
            RefusedError: it has not, or its file of weights holds none.
        """
        record = self.record
        if record.status != "done" or not self.weights_file.is_file():
            raise RefusedError(f"the training in {self.path} has not ended; go on with the command that began it")
        export.weights_format(self.weights_file)
        return record
