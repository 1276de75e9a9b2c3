"""A batch of encoded images -> pixels on the CPU, several at once."""

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray

from .decoding import ImageRejectedError
from .image_pipeline import ImagePipeline


class PillowDecoder:
    """Decodes with the release's pipeline, which lets go of the interpreter lock while it decodes and resamples.

    threads: images that are decoded at once; 0: as many as this process has cores
    """

    def __init__(self, pipeline: ImagePipeline, *, threads: int = 0) -> None:
        self._pipeline = pipeline
        threads = threads or len(os.sched_getaffinity(0))
        self._pool = ThreadPoolExecutor(threads, "decode") if threads > 1 else None

    def decode(self, bodies: Sequence[bytes]) -> list[NDArray[np.uint8] | ImageRejectedError]:
        """The pixels (crop, crop, 3) of each image, or why it has none."""
        map_images = map if self._pool is None or len(bodies) == 1 else self._pool.map
        return list(map_images(self._decode, bodies))

    def close(self) -> None:
        """End the threads."""
        if self._pool:
            self._pool.shutdown()

    def _decode(self, body: bytes) -> NDArray[np.uint8] | ImageRejectedError:
        try:
            return self._pipeline.pixels(body)
        except ImageRejectedError as rejected:
            return rejected
