"""How fast training's inputs are, against torchvision's own loader: the same photographs, transforms and workers.

    python tests/benchmarks/training_inputs.py

Alternately, three times each, in one run; the ratio of the medians must be at least 0.9. Images are decoded anew each
time on both sides: what training holds in memory is faster still.
"""

import statistics
import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path

import torch
from PIL import Image
from torchvision import datasets, transforms

from triptych_ops.photographs import PHOTOGRAPHS
from triptych_ops.preprocessing import Preprocessing
from triptych_ops.training import inputs, open_dataset

_IMAGES, _ROUNDS, _BATCH_SIZE, _WORKERS = 400, 3, 32, 2
_DEFINITION = Preprocessing(
    resize=256, crop=224, interpolation="bilinear", mean=[0.485, 0.456, 0.406], std=[0.229, 0.224, 0.225]
)


def main() -> None:
    """Print both speeds and their ratio."""
    inputs.HELD_BYTES = 0
    with tempfile.TemporaryDirectory() as folder:
        _write(Path(folder))
        ours = inputs.Inputs(open_dataset(Path(folder)), _DEFINITION, augmentation="none")
        keys = inputs.in_order(len(ours), batch_size=_BATCH_SIZE)
        theirs = torch.utils.data.DataLoader(_reference(folder), batch_size=_BATCH_SIZE, num_workers=_WORKERS)
        times: tuple[list[float], list[float]] = ([], [])
        for _ in range(_ROUNDS):
            times[0].append(_seconds(lambda: ours.batches(keys, workers=_WORKERS)))
            times[1].append(_seconds(lambda: theirs))
    speeds = [_IMAGES / statistics.median(each) for each in times]
    print(
        f"training's inputs {speeds[0]:.0f} images/s, torchvision's loader {speeds[1]:.0f}, "
        f"ratio {speeds[0] / speeds[1]:.2f}"
    )


def _reference(folder: str) -> datasets.ImageFolder:
    pipeline = [
        transforms.Resize(_DEFINITION.resize),
        transforms.CenterCrop(_DEFINITION.crop),
        transforms.ToTensor(),
        transforms.Normalize(_DEFINITION.mean, _DEFINITION.std),
    ]
    return datasets.ImageFolder(folder, transforms.Compose(pipeline))


def _seconds(batches: Callable[[], Iterable[object]]) -> float:
    began = time.perf_counter()
    for _ in batches():
        pass
    return time.perf_counter() - began


def _write(folder: Path) -> None:
    for number in range(_IMAGES):
        photograph = Image.open(PHOTOGRAPHS[number % len(PHOTOGRAPHS)].path).convert("RGB")
        place = folder / str(number % 2)
        place.mkdir(exist_ok=True)
        photograph.resize((500, 334)).save(place / f"{number}.jpg", quality=90)


if __name__ == "__main__":
    main()
