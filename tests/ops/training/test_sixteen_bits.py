"""Training on images of 16 bits, which is training on the same images in 8 bits."""

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageOps

from ops.training.digits import LENET
from triptych_ops import decoding, training
from triptych_ops.training.model import load_model, probabilities

_CLASSES, _EACH, _SIDE = 4, 30, 32
_RANDOM = 0.25  # the accuracy of guessing


def write_ramps(folder: Path, *, bits: int) -> Path:
    """Images that become lighter to the right, down, to the left or up, with noise; all values of 16 bits above 255."""
    random = np.random.default_rng(0)
    ramp = np.linspace(0.2, 0.8, _SIDE)[None, :].repeat(_SIDE, axis=0)
    for label in range(_CLASSES):
        place = folder / str(label)
        place.mkdir(parents=True)
        for number in range(_EACH):
            values = np.rot90(ramp, -label) + random.normal(0, 0.05, (_SIDE, _SIDE))
            deep = np.rint(values.clip(0.01, 1) * 65_535).astype(np.uint16)
            image = Image.fromarray(deep) if bits == 16 else Image.fromarray((deep >> 8).astype(np.uint8))
            image.save(place / f"{number:02}.png")
    return folder


def accuracy(images: Path, run: Path) -> float:
    """Of the test images, after three epochs of LeNet-5."""
    trained = training.train(training.open_dataset(images), run, LENET, threads=1)
    part = trained.part("test")
    best = probabilities(load_model(trained), part).argmax(axis=1)
    return float(np.mean(best == np.array([sample.label for sample in part.samples])))


def test_images_of_16_bits_train_as_their_8_bit_copies(tmp_path: Path) -> None:
    found = {bits: accuracy(write_ramps(tmp_path / f"{bits}", bits=bits), tmp_path / f"run{bits}") for bits in (8, 16)}
    print(f"decoding: 4 classes of 16-bit PNG train to {found[16]:.0%}, the same in 8 bits to {found[8]:.0%}")
    assert found[16] == found[8]
    assert found[16] > 0.9


def test_the_control_images_that_are_clipped_to_white_train_at_chance(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def clipping(body: bytes, **_: object) -> Image.Image:
        with Image.open(io.BytesIO(body)) as file:
            return ImageOps.exif_transpose(file).convert("RGB")

    monkeypatch.setattr(decoding, "decode", clipping)
    found = accuracy(write_ramps(tmp_path / "16", bits=16), tmp_path / "run")
    print(f"decoding: clipped to white they train to {found:.0%}")
    assert found == pytest.approx(_RANDOM, abs=0.01)
