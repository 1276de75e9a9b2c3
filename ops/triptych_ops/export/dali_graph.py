"""Preprocessing -> serialised DALI graphs, one for each device, from one definition.

A graph takes whole JPEGs and gives pixels: IMAGE, N encoded images -> (N, crop, crop, 3) uint8. A serialised graph
names the device of each of its operators, so there are two files; the one for the CPU is what can be measured, and
served, without a GPU. DALI is imported when it is used: without it a release has no GPU form.
"""

import importlib.util
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from triptych import contract
from triptych_ops.preprocessing import Preprocessing

_REACH = 3  # pixels beside a point that the widest filter, Lanczos, looks at where it does not shrink

Device = Literal["cpu", "gpu"]

_DECODER_DEVICES: dict[Device, str] = {"cpu": "cpu", "gpu": "mixed"}  # mixed: bytes of the host, pixels of the device


def available() -> bool:
    """Whether DALI is installed."""
    return importlib.util.find_spec("nvidia") is not None and importlib.util.find_spec("nvidia.dali") is not None


def version() -> str:
    """Of DALI, as it is installed.

    Raises:
        ModuleNotFoundError: it is not.
    """
    from nvidia import dali

    number: str = dali.__version__
    return number


def file_name(device: Device) -> str:
    """What preprocess' version folder calls the graph for a device."""
    return f"decode.{device}.dali"


def serialise(preprocessing: Preprocessing, folder: Path) -> tuple[Path, ...]:
    """Write the graph for each device into `folder` and return the files.

    Equal definitions give equal bytes. No GPU is needed.

    Raises:
        ModuleNotFoundError: DALI is not installed.
    """
    from nvidia.dali._utils import dali_trace

    traced = dali_trace.is_tracing_enabled()
    dali_trace.set_tracing(enabled=False)  # else the file names the builder's folders and quotes this source
    try:
        paths = []
        for device in _DECODER_DEVICES:
            path = folder / file_name(device)
            path.write_bytes(_pipeline(preprocessing, device).serialize())
            paths.append(path)
    finally:
        dali_trace.set_tracing(enabled=traced)
    return tuple(paths)


def decode(graph: Path, bodies: Sequence[bytes]) -> NDArray[np.uint8]:  # -> (N, crop, crop, 3) uint8
    """The pixels that the graph for the CPU makes of JPEGs.

    Raises:
        RuntimeError: DALI cannot decode one of them.
    """
    from nvidia.dali import Pipeline

    pipeline: Any = Pipeline.deserialize(filename=str(graph), device_id=None, num_threads=1, prefetch_queue_depth=1)
    pixels = []
    for body in bodies:
        (images,) = pipeline.run(IMAGE=[np.frombuffer(body, dtype=np.uint8)])
        pixels.append(np.array(images.as_array()[0]))
    return np.stack(pixels)


def _pipeline(preprocessing: Preprocessing, device: Device) -> Any:
    """The one definition. Sizes are rounded as torchvision's `Resize` and `CenterCrop` round them."""
    from nvidia.dali import Pipeline, fn, types

    interpolations = {
        "bilinear": types.INTERP_LINEAR,
        "bicubic": types.INTERP_CUBIC,
        "lanczos": types.INTERP_LANCZOS3,
    }
    # The device's number is given where the graph is used: here there may be none.
    pipeline = Pipeline(batch_size=contract.MAX_BATCH_SIZE, num_threads=1, device_id=None, prefetch_queue_depth=1)
    with pipeline:
        encoded = fn.external_source(name="IMAGE", dtype=types.UINT8, ndim=1)
        size = fn.peek_image_shape(encoded)[:2]  # (height, width) int64, upright
        if isinstance(preprocessing.resize, int):
            resized = preprocessing.resize * size // fn.reductions.min(size)
        else:
            resized = types.Constant(preprocessing.resize, dtype=types.INT64, device="cpu")
        margin = resized - preprocessing.crop
        half = margin // 2
        start = half + (margin & 1) * (half & 1)  # Python's round(margin / 2): halves go to the even number
        # Only the part that survives the crop is resampled: its corners, in pixels of the image.
        scale = fn.cast(size, dtype=types.FLOAT) / resized
        first, last = start * scale, (start + preprocessing.crop) * scale
        images = fn.decoders.image(
            encoded,
            device=_DECODER_DEVICES[device],
            output_type=types.RGB,  # grey becomes three equal channels
            adjust_orientation=True,
            jpeg_fancy_upsampling=True,  # chroma as libjpeg-turbo, and so the reference, scales it up
            hw_decoder_load=0.0,  # no share for a GPU's JPEG engine: an image's pixels must not depend on its company
        )
        # One axis at a time, since Pillow, and so the reference, rounds to whole numbers between the two. The rows are
        # first where the height loses more than twice as many pixels as the width, as in Pillow 13.
        lost = size - resized
        rows_first = fn.cast((lost[0] > 0) & (lost[0] > 2 * lost[1]), dtype=types.FLOAT)
        rows, columns = (types.Constant(axis, dtype=types.FLOAT, device="cpu") for axis in ([1, 0], [0, 1]))
        former = rows * rows_first + columns * (1 - rows_first)
        latter = columns * rows_first + rows * (1 - rows_first)
        between = preprocessing.crop * former + size * latter
        resample: Any = partial(
            fn.resize, mode="stretch", interp_type=interpolations[preprocessing.interpolation], antialias=True
        )
        passes: list[dict[str, Any]] = [
            {"size": between, "roi_start": first * former, "roi_end": last * former + size * latter},
            {
                "size": preprocessing.crop * (former + latter),
                "roi_start": first * latter,
                "roi_end": last * latter + preprocessing.crop * former,
            },
        ]
        if _touches_the_border(preprocessing):
            reach = _REACH * (fn.cast(scale, dtype=types.INT64) + 2)  # source pixels, rounded up
            for step, axis, extent in zip(passes, (former, latter), (size, between), strict=True):
                images = _resample_within(
                    resample, images, axis=axis, extent=extent, reach=reach, device=device, **step
                )
        else:
            for step in passes:
                images = resample(images, **step)
        pipeline.set_outputs(images)
    return pipeline


def _touches_the_border(preprocessing: Preprocessing) -> bool:
    """Return whether so little is cropped off that the filter reaches beyond an image that is not enlarged."""
    resize = preprocessing.resize
    margin = (resize if isinstance(resize, int) else min(resize)) - preprocessing.crop
    return margin < 2 * _REACH


def _resample_within(
    resample: Any,
    images: Any,
    *,
    axis: Any,
    extent: Any,
    reach: Any,
    device: Device,
    size: Any,
    roi_start: Any,
    roi_end: Any,
) -> Any:
    """Resample one axis, leaving what lies beyond the border out of each weighted mean, as Pillow does.

    DALI would repeat the last pixel. So the image gets a border of zeros as wide as the filter reaches, and the result
    is divided by what a line of ones with the same border becomes.

    axis:   1 for the axis that is resampled, 0 for the other
    extent: height and width of the images
    """
    from nvidia.dali import fn, types

    border = reach * axis

    def bordered(tensor: Any, shape: Any) -> Any:
        return fn.slice(
            tensor,
            start=fn.cast(-border, dtype=types.INT32),
            shape=fn.cast(shape + 2 * border, dtype=types.INT32),
            axes=[0, 1],
            out_of_bounds_policy="pad",
            fill_values=0,
        )

    other = 1 - axis
    channel = types.Constant([1], dtype=types.FLOAT, device="cpu")
    line = fn.ones(shape=fn.cast(fn.cat(extent * axis + other, channel), dtype=types.INT32), dtype=types.FLOAT)
    weights = resample(
        bordered(fn.reshape(line, layout="HWC"), extent * axis + other),
        size=size * axis + other,
        roi_start=roi_start * axis + border,
        roi_end=roi_end * axis + border + other,
    )
    sums = resample(
        bordered(images, extent), size=size, roi_start=roi_start + border, roi_end=roi_end + border, dtype=types.FLOAT
    )
    return fn.cast(sums / (weights.gpu() if device == "gpu" else weights), dtype=types.UINT8)
