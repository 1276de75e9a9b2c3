"""A run as the source of a release: its weights, its own images, and the accuracy that the release must keep."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from triptych import Classification, image_formats
from triptych_ops import release
from triptych_ops.decoding import decode
from triptych_ops.errors import RefusedError
from triptych_ops.training import Dataset, Part, Run, RunRecord

from .image_sets import CALIBRATION_IMAGES, GPU_FORM_IMAGES, ImageSet

ACCURACY_TOLERANCE: Mapping[release.Precision, float] = MappingProxyType({"fp32": 0.0, "fp16": 0.005, "int8": 0.005})
"""How far the served accuracy may lie below the offline one, as a share of the images."""


@dataclass(frozen=True, slots=True)
class TrainedRun:
    """A run whose training is done."""

    run: Run
    record: RunRecord

    @classmethod
    def load(cls, folder: Path) -> "TrainedRun":
        """The run in a folder.

        Raises:
            MissingError: there is none.
            RefusedError: it is damaged, or not done.
        """
        run = Run.load(folder)
        return cls(run, run.require_done())

    def test_images(self, scratch: Path) -> tuple[ImageSet, list[int]]:
        """The images that the run was tested on, and the class of each.

        Raises:
            MissingError, RefusedError: the images are gone, or are not what they were.
        """
        part = self.run.part("test")
        return ImageSet(self._files(part, scratch / "test"), "the run's test images"), _labels(part)

    def calibration_images(self, scratch: Path) -> ImageSet:
        """Images that the run was trained on, evenly from all classes, none of which is tested on.

        Raises:
            MissingError, RefusedError: as `test_images`.
        """
        part = self._sample("train", CALIBRATION_IMAGES)
        return ImageSet(self._files(part, scratch / "calibration"), f"{len(part)} of the run's training images")

    def gpu_form_images(self, scratch: Path) -> list[Path]:
        """Some training images as JPEG files, which is what the GPU decodes.

        Raises:
            MissingError, RefusedError: as `test_images`.
        """
        folder = scratch / "gpu-form"
        folder.mkdir()
        paths = []
        for number, sample in enumerate(self._sample("train", GPU_FORM_IMAGES).samples):
            paths.append(folder / f"{number}.jpg")
            decode(sample.read()).save(paths[-1], quality=95)
        return paths

    def _sample(self, part: Part, most: int) -> Dataset:
        dataset = self.run.part(part)
        names = [sample.name for sample in dataset.samples]
        step = max(1, len(names) / most)
        return dataset.subset([names[int(index * step)] for index in range(min(most, len(names)))])

    def _files(self, dataset: Dataset, folder: Path) -> tuple[Path, ...]:
        """The image files themselves; those within larger files are written to `folder`."""
        folder.mkdir()
        paths = []
        for number, sample in enumerate(dataset.samples):
            if sample.path:
                paths.append(sample.path)
                continue
            content = sample.read()
            form = image_formats.identify(content)
            paths.append(folder / f"{number}{form.suffix if form else ''}")
            paths[-1].write_bytes(content)
        return tuple(paths)


def measure_accuracy(
    trained: TrainedRun, answers: Sequence[Classification], expected: NDArray[np.float32], labels: Sequence[int]
) -> release.Training:
    """The accuracy of served answers and of torch's probabilities (N, C) for images of the classes `labels`."""
    record = trained.record
    served = np.array([answer.top.class_id for answer in answers])
    return release.Training(
        dataset=Path(record.dataset).name,
        split_sha256=release.digest(trained.run.split_file).sha256,
        train_images=record.images["train"],
        test_images=len(labels),
        epochs=len(record.epochs),
        best_epoch=record.best_epoch or 0,
        strategy=record.settings.strategy,
        pretrained=record.weights,
        offline_accuracy=float(np.mean(expected.argmax(axis=1) == np.array(labels))),
        served_accuracy=float(np.mean(served == np.array(labels))),
    )


def require_accuracy(measured: release.Training, *, precision: release.Precision, ties: int) -> None:
    """Whether the release is as right as the network that was trained; so many images lie between two classes.

    Raises:
        RefusedError: it is not.
    """
    lost = abs(measured.offline_accuracy - measured.served_accuracy)
    if lost > ACCURACY_TOLERANCE[precision] + ties / measured.test_images + 1e-9:
        raise RefusedError(
            f"served, {measured.served_accuracy:.2%} of {measured.test_images} test images are classified rightly, "
            f"offline {measured.offline_accuracy:.2%}; {precision} may differ by {ACCURACY_TOLERANCE[precision]:.1%}"
        )


def _labels(dataset: Dataset) -> list[int]:
    return [sample.label for sample in dataset.samples]
