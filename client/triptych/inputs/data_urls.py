"""`data:` URLs -> the bytes that they carry. Pure.

Source: https://www.rfc-editor.org/rfc/rfc2397
"""

import base64
import binascii
import re
from urllib.parse import unquote_to_bytes

_SCHEME = "data:"
_BASE64 = re.compile(r";\s*base64\s*$", re.IGNORECASE)
_SPACE = re.compile(rb"\s+")


def is_data_url(text: str) -> bool:
    """Whether it begins as one."""
    return text[: len(_SCHEME)].lower() == _SCHEME


def decoded(url: str) -> bytes:
    """What the URL carries, whatever type it says it is of. White space in base64 is passed over.

    Raises:
        ValueError: there is no comma, or what follows is not the base64 that it says it is.
    """
    head, comma, data = url[len(_SCHEME) :].partition(",")
    if not comma:
        raise ValueError("a data: URL has a comma before its data")
    body = unquote_to_bytes(data)
    if not _BASE64.search(head):
        return body
    packed = _SPACE.sub(b"", body)
    try:
        return base64.b64decode(packed + b"=" * (-len(packed) % 4), validate=True)
    except binascii.Error as error:
        raise ValueError(f"its base64 cannot be read: {error}") from error
