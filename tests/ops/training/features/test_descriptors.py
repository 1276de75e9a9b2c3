"""Descriptors by images whose features are known."""

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from skimage import data

from triptych_ops.training.features import DESCRIPTORS, SIDE, describe, lbp_top
from triptych_ops.training.features.colour import colour_moments, hsv_histogram
from triptych_ops.training.features.shape import hu_moments
from triptych_ops.training.features.texture import lbp


def _form(*, angle: float = 0, scale: float = 1, shift: tuple[int, int] = (0, 0)) -> NDArray[np.uint8]:
    """A bright L on black, of 400 x 400 pixels."""
    image = Image.new("RGB", (400, 400))
    corners = [(-60, -80), (-20, -80), (-20, 40), (60, 40), (60, 80), (-60, 80)]
    cosine, sine = np.cos(np.radians(angle)), np.sin(np.radians(angle))
    turned = [
        (200 + shift[0] + scale * (x * cosine - y * sine), 200 + shift[1] + scale * (x * sine + y * cosine))
        for x, y in corners
    ]
    ImageDraw.Draw(image).polygon(turned, fill=(255, 255, 255))
    return np.asarray(image)


@pytest.mark.parametrize(
    "changed", [_form(angle=37), _form(angle=90), _form(scale=1.7), _form(scale=0.5), _form(shift=(70, -50))]
)
def test_hu_moments_stay_when_a_form_is_turned_scaled_and_moved(changed: NDArray[np.uint8]) -> None:
    np.testing.assert_allclose(hu_moments(changed), hu_moments(_form()), atol=0.25)


def test_hu_moments_tell_forms_apart_and_mirrored_ones_by_the_last() -> None:
    form = _form()
    bar = np.zeros((400, 400, 3), np.uint8)
    bar[180:220, 60:340] = 255
    assert np.abs(hu_moments(bar) - hu_moments(form)).max() > 1
    mirrored = hu_moments(np.ascontiguousarray(form[:, ::-1]))
    np.testing.assert_allclose(mirrored[:6], hu_moments(form)[:6], atol=1e-6)
    assert mirrored[6] == pytest.approx(-hu_moments(form)[6])
    assert hu_moments(np.zeros((8, 8, 3), np.uint8)).tolist() == [0] * 7


def test_hsv_histogram_is_that_of_opencv() -> None:
    cv2 = pytest.importorskip("cv2")
    pixels = data.astronaut()
    expected = cv2.calcHist([cv2.cvtColor(pixels, cv2.COLOR_RGB2HSV)], [0, 1], None, [8, 8], [0, 180, 0, 256])
    assert (
        np.abs(hsv_histogram(pixels) - expected.ravel() / expected.sum()).sum() < 0.01
    )  # its fixed point is off by one in a few hues
    red = np.full((4, 4, 3), (255, 0, 0), np.uint8)
    assert hsv_histogram(red).reshape(8, 8)[0, 7] == 1


def test_colour_moments_of_two_greys() -> None:
    pixels = np.zeros((2, 2, 3), np.uint8)
    pixels[0] = 255
    np.testing.assert_allclose(colour_moments(pixels), [0, 0, 0.5, 0, 0, 0.5, 0, 0, 0], atol=1e-9)


def test_patterns_stay_when_an_image_is_turned_or_brighter() -> None:
    pixels = (data.astronaut()[:128, :128] // 2).astype(np.uint8)
    np.testing.assert_allclose(lbp(np.rot90(pixels).copy()), lbp(pixels), atol=0.01)
    grey = np.repeat(pixels[..., :1], 3, axis=2)
    np.testing.assert_allclose(lbp((grey + 20).astype(np.uint8)), lbp(grey), atol=0.01)
    assert lbp(pixels).sum() == pytest.approx(1)


def test_moving_patterns_differ_from_resting_ones_only_over_time() -> None:
    picture = data.astronaut()[100:140, 100:140]
    resting = np.stack([picture] * 6)
    moving = np.stack([np.roll(picture, 3 * step, axis=1) for step in range(6)])
    still, moved = lbp_top(resting), lbp_top(moving)
    assert still.shape == (30,)
    assert np.abs(still[:10] - moved[:10]).sum() < 0.1
    assert np.abs(still[10:] - moved[10:]).sum() > 0.3
    with pytest.raises(ValueError, match="no inside"):
        lbp_top(resting[:2])


def test_every_descriptor_gives_finite_vectors_of_one_length_for_images_of_any_form() -> None:
    wide = Image.fromarray(data.astronaut()[:100])
    plain = Image.new("RGB", (1, 900), (7, 7, 7))
    for name in DESCRIPTORS:
        one, other = describe(wide, [name]), describe(plain, [name])
        assert one.shape == other.shape
        assert np.isfinite([*one, *other]).all()
    both = describe(wide, ["lbp", "hu-moments"])
    assert both.shape == (17,)
    assert SIDE == 64
