"""What the markers of a JPEG tell before a decoder looks at it."""

import io
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from PIL import Image

from sources import load_source


@pytest.fixture(scope="module")
def jpeg(checkout: Path) -> ModuleType:
    return load_source(checkout / "model_repository" / "preprocess" / "source" / "jpeg.py")


def encoded(**options: Any) -> bytes:
    buffer = io.BytesIO()
    Image.linear_gradient("L").convert("RGB").save(buffer, "JPEG", **options)
    return buffer.getvalue()


def with_header(body: bytes, segment: bytes) -> bytes:
    """With a segment of the application's behind the start."""
    return body[:2] + b"\xff\xe3" + (len(segment) + 2).to_bytes(2, "big") + segment + body[2:]


PLAIN, PROGRESSIVE = encoded(), encoded(progressive=True)
SCANS = PROGRESSIVE.count(b"\xff\xda")
LAST_SCAN = PROGRESSIVE[PROGRESSIVE.rindex(b"\xff\xda") : -2]


@pytest.mark.parametrize(
    ("body", "whole"),
    [
        (PLAIN, True),
        (PROGRESSIVE, True),
        (PLAIN + b"behind", True),
        (PLAIN[:-2], False),
        (with_header(PLAIN, PLAIN)[:-2], False),
        (with_header(PLAIN, PLAIN), True),
        (PLAIN[:30], False),
        (b"", False),
    ],
)
def test_a_whole_jpeg_has_an_end_behind_its_scan(jpeg: ModuleType, body: bytes, whole: bool) -> None:
    assert jpeg.is_whole(body) is whole


@pytest.mark.parametrize(
    ("body", "scans"),
    [
        (PROGRESSIVE, SCANS),
        (PROGRESSIVE[:-2] + LAST_SCAN * 30 + PROGRESSIVE[-2:], SCANS + 30),
        (with_header(PROGRESSIVE, PROGRESSIVE), SCANS),  # a thumbnail's are others
        (PROGRESSIVE + PROGRESSIVE, SCANS),  # a second picture's, too
        (PLAIN, 1),
        (PLAIN[:-2] + LAST_SCAN * 30 + PLAIN[-2:], 1),  # a decoder refuses those behind the first
    ],
)
def test_scans_of_the_first_picture_are_counted(jpeg: ModuleType, body: bytes, scans: int) -> None:
    assert not jpeg.has_more_scans(body, scans)
    assert jpeg.has_more_scans(body, scans - 1) is (scans > 1)


def test_a_header_that_breaks_off_has_no_scans(jpeg: ModuleType) -> None:
    assert not jpeg.has_more_scans(b"\xff\xd8\xff\xc0\x00\x11" + b"\xff\xda" * 9, 3)
