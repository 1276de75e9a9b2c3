import io
import os
import threading
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest
from PIL import Image

from sources import load_source


@pytest.fixture(scope="module")
def pillow_decoder(checkout: Path) -> ModuleType:
    return load_source(checkout / "model_repository" / "preprocess" / "source" / "pillow_decoder.py")


class Watched:
    """A pipeline that notes who calls it; each of two callers waits for the other where `together`."""

    def __init__(self, *, together: bool = False) -> None:
        self.threads: set[str] = set()
        self._barrier = threading.Barrier(2, timeout=10) if together else None

    def pixels(self, body: bytes) -> Any:
        self.threads.add(threading.current_thread().name)
        if self._barrier:
            self._barrier.wait()
        return np.full((1, 1, 3), int(body), dtype=np.uint8)


@pytest.fixture
def cores(monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1, 2})
    return 3


def decode(module: ModuleType, pipeline: Any, count: int, **options: Any) -> list[int]:
    decoder = module.PillowDecoder(pipeline, **options)
    try:
        return [int(pixels[0, 0, 0]) for pixels in decoder.decode([str(index).encode() for index in range(count)])]
    finally:
        decoder.close()


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_images_come_back_in_their_order(pillow_decoder: ModuleType, threads: int) -> None:
    assert decode(pillow_decoder, Watched(), 20, threads=threads) == list(range(20))


def test_two_threads_decode_two_images_at_once(pillow_decoder: ModuleType) -> None:
    pipeline = Watched(together=True)
    assert decode(pillow_decoder, pipeline, 2, threads=2) == [0, 1]
    assert len(pipeline.threads) == 2


@pytest.mark.parametrize(("count", "threads"), [(1, 4), (8, 1)])
def test_one_image_or_one_thread_needs_no_other_thread(pillow_decoder: ModuleType, count: int, threads: int) -> None:
    pipeline = Watched()
    decode(pillow_decoder, pipeline, count, threads=threads)
    assert pipeline.threads == {threading.current_thread().name}


def test_by_default_there_is_a_thread_a_core(pillow_decoder: ModuleType, cores: int) -> None:
    decoder = pillow_decoder.PillowDecoder(SimpleNamespace())
    assert decoder._pool._max_workers == cores
    decoder.close()


def test_a_refused_image_is_given_back_as_its_refusal(pillow_decoder: ModuleType) -> None:
    pipeline = pillow_decoder.ImagePipeline(
        resize=9, crop=8, interpolation="bicubic", formats=("PNG",), max_bytes=9_999, max_pixels=9_999
    )
    buffer = io.BytesIO()
    Image.new("RGB", (9, 9)).save(buffer, "PNG")
    decoder = pillow_decoder.PillowDecoder(pipeline, threads=2)
    good, bad = decoder.decode([buffer.getvalue(), b"text"])
    decoder.close()
    assert good.shape == (8, 8, 3)
    assert isinstance(bad, pillow_decoder.ImageRejectedError)
