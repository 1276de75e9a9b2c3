"""The marker segments of a JPEG (ITU-T T.81, annex B), as far as they tell whether all of it is there."""

_START_OF_SCAN = 0xDA
_END_OF_IMAGE = b"\xff\xd9"
_WITHOUT_LENGTH = {0x01, *range(0xD0, 0xD9)}  # TEM, the restarts, the start of the image


def is_whole(body: bytes) -> bool:
    """Whether the first scan of a JPEG is followed by an end of the image.

    A thumbnail inside the header has an end of its own, so the header is walked through.
    """
    place = 0
    while place + 4 <= len(body) and body[place] == 0xFF:
        marker = body[place + 1]
        if marker == _START_OF_SCAN:
            return body.rfind(_END_OF_IMAGE, place) >= 0
        if marker == 0xFF:
            place += 1
        elif marker in _WITHOUT_LENGTH:
            place += 2
        else:
            place += 2 + int.from_bytes(body[place + 2 : place + 4], "big")
    return False
