"""What colours an image has, wherever they are in it."""

import numpy as np
from numpy.typing import NDArray
from skimage.color import rgb2hsv

_BINS = 8  # of hue, and of saturation
_RANGES = ((0.0, 180.0), (0.0, 256.0))  # OpenCV's hue and saturation


def hsv_histogram(image: NDArray[np.uint8]) -> NDArray[np.float64]:  # (H, W, 3) RGB -> (64,)
    """Shares of the pixels by hue and saturation, 8 x 8 bins over 0 to 180 and 0 to 256."""
    hsv = rgb2hsv(image)  # (H, W, 3), each 0 to 1
    hue = np.rint(hsv[..., 0].ravel() * 180) % 180  # whole numbers, as OpenCV has them
    saturation = np.rint(hsv[..., 1].ravel() * 255)
    counts, _, _ = np.histogram2d(hue, saturation, bins=_BINS, range=_RANGES)
    shares: NDArray[np.float64] = counts.ravel() / hue.size
    return shares


def colour_moments(image: NDArray[np.uint8]) -> NDArray[np.float64]:  # (H, W, 3) RGB -> (9,)
    """Mean, standard deviation and cube root of the third central moment of H, S and V, each 0 to 1.

    Stricker and Orengo, Similarity of Color Images, 1995.
    """
    channels = rgb2hsv(image).reshape(-1, 3)  # (H * W, 3)
    mean = channels.mean(axis=0)
    central = channels - mean
    third: NDArray[np.float64] = np.cbrt((central**3).mean(axis=0))
    return np.concatenate([mean, channels.std(axis=0), third])
