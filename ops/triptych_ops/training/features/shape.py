"""What form is in an image."""

import numpy as np
from numpy.typing import NDArray
from skimage.color import rgb2gray
from skimage.feature import hog as skimage_hog
from skimage.measure import moments_central, moments_hu, moments_normalized


def hu_moments(image: NDArray[np.uint8]) -> NDArray[np.float64]:  # (H, W, 3) RGB -> (7,)
    """The seven moments that stay when the form is moved, scaled or turned: sign(h) * log10(1 + |h| / 1e-7).

    Of brightness, so that the form is bright and its ground is black. Six stay when it is mirrored, the last
    changes its sign. Their sizes differ by many tens: hence the logarithm.
    Hu, Visual Pattern Recognition by Moment Invariants, 1962.
    """
    grey = rgb2gray(image)
    if not grey.any():
        return np.zeros(7)
    hu = moments_hu(moments_normalized(moments_central(grey)))
    logarithms: NDArray[np.float64] = np.sign(hu) * np.log10(1 + np.abs(hu) / 1e-7)
    return logarithms


def hog(image: NDArray[np.uint8]) -> NDArray[np.float64]:  # (64, 64, 3) RGB -> (1764,)
    """Histograms of 9 orientations in cells of 8 x 8 pixels, normalised in blocks of 2 x 2 cells (L2-Hys).

    Dalal and Triggs, Histograms of Oriented Gradients for Human Detection, 2005.
    """
    found: NDArray[np.float64] = skimage_hog(
        rgb2gray(image), orientations=9, pixels_per_cell=(8, 8), cells_per_block=(2, 2), block_norm="L2-Hys"
    )
    return found
