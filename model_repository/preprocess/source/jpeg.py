"""The marker segments of a JPEG (ITU-T T.81, annex B), as far as they tell whether all of it is there, and how often
a decoder goes over the picture.
"""

import re
from collections.abc import Iterator
from itertools import islice

_START_OF_SCAN = 0xDA
_END_OF_IMAGE = 0xD9
_SEQUENTIAL_FRAMES = {0xC0, 0xC1, 0xC9}
_WITHOUT_LENGTH = {0x01, 0xD8}  # TEM, the start of the image
# Entropy-coded data holds escaped 0xFF and restarts, which are no markers.
_MARKER = re.compile(rb"\xff[^\x00\xff\xd0-\xd7]", re.DOTALL)


def is_whole(body: bytes) -> bool:
    """Whether the first scan of a JPEG is followed by an end of the image.

    A thumbnail inside the header has an end of its own, so the header is walked through.
    """
    for marker, place in _markers(body):
        if marker == _START_OF_SCAN:
            return body.rfind(b"\xff\xd9", place) >= 0
    return False


def has_more_scans(body: bytes, than: int) -> bool:
    """Whether a decoder has to go over the first picture of a JPEG more often."""
    if _is_one_scan(body) or body.count(b"\xff\xda") <= than:  # scans of thumbnails and further pictures among them
        return False
    scans = (marker for marker, _ in _markers(body) if marker == _START_OF_SCAN)
    return len(list(islice(scans, than + 1))) > than


def _is_one_scan(body: bytes) -> bool:
    """Whether the frame is sequential and its first scan has all components: decoders then refuse a second one."""
    components = None
    for marker, place in _markers(body):
        if marker in _SEQUENTIAL_FRAMES:
            components = body[place + 9 : place + 10]
        if marker == _START_OF_SCAN:
            return components == body[place + 4 : place + 5]
    return False


def _markers(body: bytes) -> Iterator[tuple[int, int]]:
    """Each marker up to the first picture's end, and where it is. What lies between segments is passed over."""
    place = 0
    while found := _MARKER.search(body, place):
        place, marker = found.start(), body[found.start() + 1]
        yield marker, place
        if marker == _END_OF_IMAGE:
            return
        place += 2
        if marker not in _WITHOUT_LENGTH:
            place += max(2, int.from_bytes(body[place : place + 2], "big"))
