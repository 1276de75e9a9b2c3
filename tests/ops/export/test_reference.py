"""The torch reference answers many images as it answers each."""

from pathlib import Path

import numpy as np

from triptych_ops import export
from triptych_ops.photographs import PHOTOGRAPHS


def test_a_batch_answers_as_its_images_do(tiny: export.Weights) -> None:
    reference = export.Reference(tiny)
    paths: list[Path] = [photograph.path for photograph in PHOTOGRAPHS] * 6  # more than one batch
    logits = reference.logits(paths)
    assert logits.shape == (len(paths), 1000)
    assert np.allclose(logits[1], reference.logits(paths[1:2])[0], atol=1e-5)
    assert not np.allclose(logits[1], logits[0], atol=1e-5)
    probabilities = reference.probabilities(paths)
    assert np.allclose(probabilities.sum(axis=1), 1, atol=1e-5)
    assert (probabilities.argmax(axis=1) == logits.argmax(axis=1)).all()


def test_pixels_are_the_networks_input(tiny: export.Weights) -> None:
    pixels = export.Reference(tiny).pixels(PHOTOGRAPHS[0].path)
    assert pixels.shape == (160, 160, 3)
    assert pixels.dtype == np.uint8
