"""A batch of encoded images -> pixels on the CPU, one thread an image."""

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray

from .image_pipeline import ImagePipeline, ImageRejectedError


class PillowDecoder:
    """Decodes with the release's pipeline. Pillow lets go of the interpreter lock while it decodes and resamples."""

    def __init__(self, pipeline: ImagePipeline) -> None:
        self._pipeline = pipeline
        self._pool = ThreadPoolExecutor(len(os.sched_getaffinity(0)))

    def decode(self, bodies: Sequence[bytes]) -> list[NDArray[np.uint8] | ImageRejectedError]:
        """The pixels (crop, crop, 3) of each image, or why it has none."""
        map_images = map if len(bodies) == 1 else self._pool.map
        return list(map_images(self._decode, bodies))

    def close(self) -> None:
        """End the threads."""
        self._pool.shutdown()

    def _decode(self, body: bytes) -> NDArray[np.uint8] | ImageRejectedError:
        try:
            return self._pipeline.pixels(body)
        except ImageRejectedError as rejected:
            return rejected
