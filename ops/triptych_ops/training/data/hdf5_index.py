"""A program of its own: read what an HDF5 file says of its images, and where their bytes lie.

The HDF5 library trusts what a file says of itself: damaged ones make it take gigabytes, or never end. So this program
sets itself limits of memory and processor time before it opens the file, and ends with them. It is started with the
path and a JSON object of limits, imports nothing of this package, and writes one JSON object: the index, or `refused`.

An HDF5 file can also point at other files, and claim data that it does not hold. So each data set is examined before
any of it is read: it lies in this file, and is no larger than its bytes can hold.
"""

import itertools
import json
import math
import os
import resource
import sys
from typing import Any

import h5py
import numpy as np

# Deflate makes at most 1,032 bytes of one, shuffle and checksums none. Other filters could make any number, or would be
# loaded from a library.
_MOST_EXPANSION = 1100
_FILTERS = {h5py.h5z.FILTER_DEFLATE, h5py.h5z.FILTER_SHUFFLE, h5py.h5z.FILTER_FLETCHER32}
_MOST_CHUNK_BYTES = 64 << 20  # one chunk is unpacked whole for each image in it
_SLICE_BYTES = 32 << 20  # of strings that are read at once
_PIXEL_SHAPES = ((), (3,), (4,))  # grey, RGB, RGBA


class _Refusal(Exception):  # noqa: N818  it is an answer
    """What is wrong with the file, without its name."""


def main() -> None:
    """Write the index of the file that the arguments name."""
    path, limits = sys.argv[1], json.loads(sys.argv[2])
    file_bytes = os.path.getsize(path)  # noqa: PTH202  this program has no other use for paths
    _limit(limits["memory_bytes"], limits["cpu_s"])
    try:
        with h5py.File(path, "r") as file:
            answer = _Reader(file, file_bytes, limits).index()
    except _Refusal as refusal:
        answer = {"refused": str(refusal)}
    except Exception as error:  # the library raises whatever damage leads it to
        answer = {"damaged": " ".join(str(error).split())[:200] or type(error).__name__}
    json.dump(answer, sys.stdout)


def _limit(memory_bytes: int, cpu_s: int) -> None:
    with open("/proc/self/statm", encoding="ascii") as file:  # noqa: PTH123
        used = int(file.read().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + memory_bytes, used + memory_bytes))
    resource.setrlimit(resource.RLIMIT_CPU, (cpu_s, cpu_s + 1))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


class _Reader:
    """Examines and reads the data sets of one open file."""

    def __init__(self, file: Any, file_bytes: int, limits: dict[str, int]) -> None:
        self._file, self._file_bytes, self._limits = file, file_bytes, limits

    def index(self) -> dict[str, Any]:
        """Labels, names, classes, parts, and where the images lie."""
        return {
            "labels": self._integers("labels"),
            "names": self._texts("names"),
            "classes": self._texts("classes"),
            "parts": self._texts("parts"),
            **self._images(),
        }

    def _images(self) -> dict[str, Any]:
        images = self._data("images")
        if images.dtype == np.uint8 and images.ndim in (3, 4) and images.shape[3:] in _PIXEL_SHAPES:
            height, width = images.shape[1:3]
            if not 0 < height * width <= self._limits["pixels"]:
                raise _Refusal(f"has images of {width} x {height} pixels, a server takes {self._limits['pixels']:,}")
            return {"pixels": {"shape": images.shape, **self._places(images)}}
        start = images.id.get_offset() if images.dtype == np.uint8 and images.ndim == 1 else None
        if start is None:
            raise _Refusal(f"holds images as {images.dtype} {images.shape}; give pixels (N, H, W, 3) uint8")
        offsets = self._integers("offsets")
        rising = all(begin <= end for begin, end in itertools.pairwise(offsets))
        if offsets and (offsets[0] < 0 or offsets[-1] > images.size or not rising):
            raise _Refusal("has offsets that do not rise from 0 to the end of its images; convert it anew")
        return {"start": start, "offsets": offsets}

    def _places(self, images: Any) -> dict[str, Any]:
        """Where the pixels lie: at one place, or in chunks, each with its coordinates, place, size and filters."""
        if images.chunks is None:
            if images.size and images.id.get_offset() is None:
                raise _Refusal("holds its images within its header; write them as an array of their own")
            return {"start": images.id.get_offset() or 0}
        chunks: list[list[int]] = []

        def found(chunk: Any) -> None:
            if not 0 <= chunk.byte_offset <= chunk.byte_offset + chunk.size <= self._file_bytes:
                raise _Refusal("has a chunk of images that lies beyond its end; copy it anew")
            chunks.append([*chunk.chunk_offset, chunk.byte_offset, chunk.size, chunk.filter_mask])

        images.id.chunk_iter(found)
        needed = math.prod(-(-side // part) for side, part in zip(images.shape, images.chunks, strict=True))
        if len({tuple(chunk[: images.ndim]) for chunk in chunks}) != needed:
            raise _Refusal(f"lacks some of its images: it has {len(chunks):,} chunks of {needed:,}; write it anew")
        plan = images.id.get_create_plist()
        filters = [plan.get_filter(number)[0] for number in range(plan.get_nfilters())]
        return {"chunks": chunks, "chunk_shape": images.chunks, "filters": filters}

    def _data(self, name: str) -> Any:
        """A data set that lies in this file and is no larger than its bytes can hold."""
        if not self._has(name):
            raise _Refusal(f"has no data set {name!r}")
        # The link is not followed before this is known: it may lead to another file.
        if self._file.id.links.get_info(name.encode()).type != h5py.h5l.TYPE_HARD:
            raise _Refusal(f"has a link as {name!r}; write the data itself into the file")
        found = self._file[name]
        if not isinstance(found, h5py.Dataset) or found.shape is None:
            raise _Refusal(f"has no array as {name!r}")
        plan = found.id.get_create_plist()
        kind = plan.get_layout()
        kinds = (h5py.h5d.COMPACT, h5py.h5d.CONTIGUOUS, h5py.h5d.CHUNKED)
        if kind not in kinds or plan.get_external_count():
            raise _Refusal(f"keeps {name!r} in other files; write the data itself into the file")
        filters = [plan.get_filter(number)[0] for number in range(plan.get_nfilters())]
        if unknown := [number for number in filters if number not in _FILTERS]:
            raise _Refusal(f"has {name!r} packed by the filter {unknown[0]}; repack it by gzip or not at all")
        claimed = math.prod(found.shape) * found.dtype.itemsize
        stored = min(found.id.get_storage_size(), self._file_bytes) * (_MOST_EXPANSION if filters else 1)
        start = found.id.get_offset() if kind == h5py.h5d.CONTIGUOUS else None
        chunk_bytes = math.prod(found.chunks) * found.dtype.itemsize if found.chunks else 0
        if claimed > stored or (start is not None and start + claimed > self._file_bytes):
            raise _Refusal(f"claims {claimed:,} bytes of {name!r}, more than it holds; write it anew")
        if chunk_bytes > _MOST_CHUNK_BYTES:
            raise _Refusal(f"has chunks of {chunk_bytes:,} bytes in {name!r}, at most {_MOST_CHUNK_BYTES:,} are read")
        return found

    def _has(self, name: str) -> bool:
        return bool(self._file.id.links.exists(name.encode()))

    def _integers(self, name: str) -> list[int]:
        found = self._data(name)
        if found.ndim != 1 or found.dtype.kind not in "iu":
            raise _Refusal(f"has {name!r} as {found.dtype} {found.shape}; it must be integers, one for each image")
        values: list[int] = found[:].tolist()
        return values

    def _texts(self, name: str) -> list[str]:
        """The strings of a data set; none where it is missing."""
        if not self._has(name):
            return []
        found = self._data(name)
        form = h5py.check_string_dtype(found.dtype)
        if found.ndim != 1 or form is None:
            raise _Refusal(f"has {name!r} as {found.dtype} {found.shape}; it must be strings, one for each image")
        # A string of variable length may be as long as the file, and all may be the same one.
        longest = form.length or min(self._file_bytes, _SLICE_BYTES)
        step = max(1, min(4096, _SLICE_BYTES // max(1, longest)))
        texts: list[str] = []
        for start in range(0, len(found), step):
            for text in found[start : start + step]:
                if len(text) > self._limits["name_bytes"]:
                    raise _Refusal(f"has a string of {len(text):,} bytes in {name!r}; shorten it")
                texts.append(text.decode())
        return texts


if __name__ == "__main__":
    main()
