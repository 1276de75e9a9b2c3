"""A batch of encoded images -> pixels, the JPEGs among them by NVIDIA DALI, on a GPU or on the CPU.

DALI fails a whole batch for one bad image, takes no other formats on a GPU and has its own view of what is
damaged. So it gets whole JPEGs of plain colours that keep the release's limits; all else goes through Pillow.
Of a batch that DALI refuses, too, Pillow decides what is damaged, as it does without a GPU.

The graph, `decode.gpu.dali` or `decode.cpu.dali`, was serialised when the release was built: encoded
images IMAGE in, pixels (N, crop, crop, 3) uint8 out.
"""

import io
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from nvidia.dali import Pipeline
from PIL import ExifTags, Image

from .decoding import JPEG_MODES, JPEGS, ImageRejectedError
from .image_pipeline import ImagePipeline
from .jpeg import is_whole
from .pillow_decoder import PillowDecoder

MAX_PIXELS_A_RUN = 64_000_000
"""Of all images of one run of the graph: 192 MB decoded. DALI keeps the memory that it once had, and a full
batch of the largest accepted images would take 25 times that."""


@dataclass(frozen=True, slots=True)
class _Jpeg:
    index: int  # place in the batch
    body: bytes
    pixels: int  # width x height


class DaliDecoder:
    """Decodes with a serialised DALI graph, and with `pillow` what that cannot decode.

    graph:     file of the graph
    device_id: number of the GPU; None for a graph of the CPU
    warn:      is told when DALI refused a batch
    """

    def __init__(
        self,
        pipeline: ImagePipeline,
        pillow: PillowDecoder,
        *,
        graph: Path,
        device_id: int | None,
        warn: Callable[[str], None],
    ) -> None:
        self._pipeline = pipeline
        self._pillow = pillow
        self._graph = graph
        self._device_id = device_id
        self._warn = warn
        self._start()

    def decode(self, bodies: Sequence[bytes]) -> list[NDArray[np.uint8] | ImageRejectedError]:
        """The pixels (crop, crop, 3) of each image, or why it has none."""
        decoded: dict[int, NDArray[np.uint8] | ImageRejectedError] = {}
        jpegs = [jpeg for index, body in enumerate(bodies) if (jpeg := self._jpeg(index, body))]
        for run in _runs(jpegs, largest=self._dali.max_batch_size):
            decoded.update(self._decode(run))
        rest = [index for index in range(len(bodies)) if index not in decoded]
        decoded.update(zip(rest, self._pillow.decode([bodies[index] for index in rest]), strict=True))
        return [decoded[index] for index in range(len(bodies))]

    def close(self) -> None:
        """Give back the graph and what it holds; end Pillow's threads."""
        del self._dali
        self._pillow.close()

    def _jpeg(self, index: int, body: bytes) -> _Jpeg | None:
        """The image as one for DALI; None when Pillow shall decide."""
        try:
            image = self._pipeline.header(body)
        except ImageRejectedError:
            return None
        if image.format in JPEGS and image.mode in JPEG_MODES and is_whole(body) and not _is_turned_by_xmp(image):
            return _Jpeg(index, body, image.width * image.height)
        return None

    def _decode(self, run: Sequence[_Jpeg]) -> dict[int, NDArray[np.uint8] | ImageRejectedError]:
        """Of every image of the run. Where DALI refuses, Pillow decides what is damaged and DALI does the others."""
        decoded: dict[int, NDArray[np.uint8] | ImageRejectedError] = {}
        decoded.update(self._attempt(run))
        if not decoded:
            by_pillow = self._pillow.decode([jpeg.body for jpeg in run])
            decoded.update(zip([jpeg.index for jpeg in run], by_pillow, strict=True))
            good = [jpeg for jpeg in run if not isinstance(decoded[jpeg.index], ImageRejectedError)]
            if 0 < len(good) < len(run):
                decoded.update(self._attempt(good))
        return decoded

    def _attempt(self, run: Sequence[_Jpeg]) -> dict[int, NDArray[np.uint8]]:
        """DALI's pixels of every image, or of none."""
        try:
            pixels = self._run([jpeg.body for jpeg in run])
        except RuntimeError as error:  # what DALI raises, whatever happened
            self._warn(f"DALI refused a batch of {len(run)}, Pillow looks at it: {' '.join(str(error).split())}")
            self._start()  # the old graph is of no more use
            return {}
        return {jpeg.index: image for jpeg, image in zip(run, pixels, strict=True)}

    def _run(self, bodies: Sequence[bytes]) -> NDArray[np.uint8]:  # -> (N, crop, crop, 3) uint8
        (images,) = self._dali.run(IMAGE=[np.frombuffer(body, dtype=np.uint8) for body in bodies])
        pixels: NDArray[np.uint8] = np.array(images.as_cpu().as_array())  # a copy: the next run overwrites it
        return pixels

    def _start(self) -> None:
        threads = len(os.sched_getaffinity(0))
        self._dali: Any = Pipeline.deserialize(
            filename=str(self._graph), device_id=self._device_id, num_threads=threads, prefetch_queue_depth=1
        )
        # The first run makes the device's contexts and buffers, and shows that there is a device.
        self._run([_picture()])


def _is_turned_by_xmp(image: Image.Image) -> bool:
    """Whether the orientation is in the XMP packet alone, which Pillow reads then and DALI does not."""
    if b"tiff:Orientation" not in image.info.get("xmp", b""):
        return False
    exif = Image.Exif()
    try:
        exif.load(image.info.get("exif", b""))
    except Exception:  # whatever odd metadata leads Pillow to
        return True
    return ExifTags.Base.Orientation not in exif


def _runs(jpegs: Sequence[_Jpeg], *, largest: int) -> Iterator[list[_Jpeg]]:
    """The images in order, in runs of at most `largest` images and `MAX_PIXELS_A_RUN` pixels, at least one image."""
    run: list[_Jpeg] = []
    for jpeg in jpegs:
        if run and (len(run) == largest or sum(item.pixels for item in run) + jpeg.pixels > MAX_PIXELS_A_RUN):
            yield run
            run = []
        run.append(jpeg)
    if run:
        yield run


def _picture() -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (64, 48)).save(buffer, "JPEG")
    return buffer.getvalue()
