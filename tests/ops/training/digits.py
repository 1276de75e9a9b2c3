"""scikit-learn's digits as a folder of images: real pictures that need no download."""

from pathlib import Path

import numpy as np
from PIL import Image
from sklearn.datasets import load_digits

from triptych_ops.training import Settings

LENET = Settings(architecture="lenet5", pretrained=False, epochs=3, learning_rate=3e-3)
"""Of a training that takes a second."""


def write_digits(folder: Path, *, each: int | None = None, classes: int = 10) -> Path:
    """The first digits of each class, 8 x 8 pixels in PNG; all of them where `each` is None."""
    digits = load_digits()
    written = dict.fromkeys(range(classes), 0)
    for number, (pixels, label) in enumerate(zip(digits.images, digits.target, strict=True)):
        if label >= classes or (each is not None and written[label] >= each):
            continue
        written[label] += 1
        place = folder / str(label)
        place.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.rint(pixels * 255 / 16).astype(np.uint8)).save(place / f"{number:04}.png")
    return folder
