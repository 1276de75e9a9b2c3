"""Images that are the same picture in another size or compression, found by their small grey views.

Such copies come from thumbnails, exports and repeated downloads. A network that was trained on one of them knows the
others, so they must not lie in different parts of a split.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

SIDE: Final = 16
"""Pixels of each side of a view."""

MOST_MEAN_DIFFERENCE: Final = 2.0
MOST_DIFFERENCE: Final = 12
"""Of 255: views of one photograph in JPEG quality 50 and in a quarter of its size differ by about 1 and 6."""

LEAST_CONTRAST: Final = 8.0
"""Standard deviation of a view; one that is almost one colour says too little of its image."""

NEIGHBOURS: Final = 16
"""So many views that share a piece of the hash are compared with each, from the nearest in brightness on."""

_BLOCK: Final = 4096  # pairs that are compared at once: 2 MiB


def grey_view(image: Image.Image) -> bytes:
    """A decoded image, upright, in 16 x 16 grey pixels; empty where these are almost one colour."""
    factor = max(1, min(image.size) // (4 * SIDE))
    pixels = np.asarray(image.convert("L").reduce(factor).resize((SIDE, SIDE), Image.Resampling.BILINEAR), np.uint8)
    return pixels.tobytes() if pixels.std() >= LEAST_CONTRAST else b""


def near_copies(views: Mapping[str, bytes]) -> list[tuple[str, ...]]:
    """Groups of at least two names whose views are alike; a chain of likeness is one group.

    Each view is compared with those that share a piece of its hash and are next to it in brightness: time and memory
    grow with the number of views, and copies in a large crowd of similar images may be missed.
    """
    names = [name for name, view in views.items() if view]
    if len(names) < 2:
        return []
    pixels = np.frombuffer(b"".join(views[name] for name in names), np.uint8).reshape(len(names), -1)  # (N, 256)
    leader = list(range(len(names)))
    for one, other in _alike(pixels):
        leader[_root(leader, one)] = _root(leader, other)
    groups: dict[int, list[str]] = defaultdict(list)
    for index, name in enumerate(names):
        groups[_root(leader, index)].append(name)
    return [tuple(sorted(group)) for group in groups.values() if len(group) > 1]


def _alike(pixels: NDArray[np.uint8]) -> Iterator[tuple[int, int]]:
    """Pairs of indices of views that are alike."""
    halves = pixels.reshape(-1, SIDE, SIDE // 2, 2).mean(axis=3)  # (N, 16, 8)
    rises = np.packbits(np.roll(halves, -1, axis=2) > halves, axis=2).reshape(-1, SIDE // 2, 2)  # (N, 8, 2) bytes
    brightness = pixels.mean(axis=1)
    for band in range(rises.shape[1]):
        pieces = rises[:, band, 0].astype(np.uint16) << 8 | rises[:, band, 1]
        order = np.lexsort((brightness, pieces))
        for step in range(1, NEIGHBOURS + 1):
            one, other = order[:-step], order[step:]
            near = (pieces[one] == pieces[other]) & (brightness[other] - brightness[one] <= MOST_MEAN_DIFFERENCE)
            one, other = one[near], other[near]
            for start in range(0, len(one), _BLOCK):
                block = slice(start, start + _BLOCK)
                difference = np.abs(pixels[one[block]].astype(np.int16) - pixels[other[block]])
                same = (difference.mean(axis=1) <= MOST_MEAN_DIFFERENCE) & (difference.max(axis=1) <= MOST_DIFFERENCE)
                yield from zip(one[block][same].tolist(), other[block][same].tolist(), strict=True)


def _root(leader: list[int], index: int) -> int:
    while leader[index] != index:
        leader[index] = leader[leader[index]]
        index = leader[index]
    return index
