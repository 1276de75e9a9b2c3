"""Local binary patterns: which of a pixel's neighbours are as bright as it."""

import numpy as np
from numpy.typing import NDArray
from skimage.color import rgb2gray
from skimage.feature import local_binary_pattern

_POINTS, _RADIUS = 8, 1
_UNIFORM = _POINTS + 2  # patterns that are alike under rotation


def lbp(image: NDArray[np.uint8]) -> NDArray[np.float64]:  # (H, W, 3) RGB -> (10,)
    """Shares of the uniform patterns of 8 neighbours at a distance of 1, alike under rotation and for any brightness.

    Ojala, Pietikäinen and Mäenpää, Multiresolution Gray-Scale and Rotation Invariant Texture Classification
    with Local Binary Patterns, 2002.
    """
    return _shares(_grey(image))


def lbp_top(frames: NDArray[np.uint8]) -> NDArray[np.float64]:  # (T, H, W, 3) RGB -> (30,)
    """Moving texture: the patterns of all planes XY, then XT, then YT of a sequence of at least 3 frames.

    Zhao and Pietikäinen, Dynamic Texture Recognition Using Local Binary Patterns, 2007.

    Raises:
        ValueError: a side has less than 3 pixels or frames, and so no pixel with all its neighbours.
    """
    if min(frames.shape[:3]) < 2 * _RADIUS + 1:
        raise ValueError(f"{frames.shape[0]} frames of {frames.shape[1]} x {frames.shape[2]} have no inside")
    grey = np.stack([_grey(frame) for frame in frames])  # (T, H, W) uint8
    planes = (grey, grey.transpose(1, 0, 2), grey.transpose(2, 0, 1))  # (T, H, W), (H, T, W), (W, T, H)
    return np.concatenate([np.mean([_shares(plane) for plane in each], axis=0) for each in planes])


def _grey(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    grey: NDArray[np.uint8] = np.rint(rgb2gray(image) * 255).astype(np.uint8)
    return grey


def _shares(grey: NDArray[np.uint8]) -> NDArray[np.float64]:
    codes = local_binary_pattern(grey, _POINTS, _RADIUS, method="uniform")
    inside = codes[_RADIUS:-_RADIUS, _RADIUS:-_RADIUS]  # beyond the edge there are no neighbours
    counts = np.bincount(inside.astype(int).ravel(), minlength=_UNIFORM)
    shares: NDArray[np.float64] = counts / counts.sum()
    return shares
