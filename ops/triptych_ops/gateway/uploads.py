"""The files of a multipart/form-data body, put together as it arrives. No I/O.

Source: https://www.rfc-editor.org/rfc/rfc7578
"""

from dataclasses import dataclass, field

from multipart import (
    MultipartError,
    MultipartSegment,
    PushMultipartParser,
    parse_options_header,
)

from .limits import Limits
from .problems import INVALID_REQUEST, failed


@dataclass(slots=True)
class File:
    """A file of an upload; where it has more bytes than an image may have, they are dropped."""

    name: str
    too_large: bool = False
    pieces: list[bytes] = field(default_factory=list)
    size_bytes: int = 0

    def add(self, piece: bytes, *, limit_bytes: int) -> None:
        """Take its next bytes."""
        self.size_bytes += len(piece)
        if self.size_bytes > limit_bytes:
            self.too_large = True
            self.pieces.clear()
        else:
            self.pieces.append(piece)

    def joined(self) -> bytes:
        """All of it, held once."""
        if len(self.pieces) != 1:
            self.pieces = [b"".join(self.pieces)]
        return self.pieces[0]


class Upload:
    """Reads one body.

    Raises:
        ProblemError: from here on and in every method, it is no such body, or has too many files.
    """

    def __init__(self, content_type: str, limits: Limits) -> None:
        _, options = parse_options_header(content_type)
        self._limits = limits
        self._files: list[File] = []
        try:
            self._parser = PushMultipartParser(options.get("boundary", ""), max_segment_count=limits.images)
        except MultipartError as error:
            raise failed(INVALID_REQUEST, f"the multipart body's boundary cannot be used: {error}") from error

    def take(self, piece: bytes) -> None:
        """Take the next bytes of the body."""
        if not piece or self._parser.closed:
            return
        try:
            for event in self._parser.parse(piece):
                if isinstance(event, MultipartSegment):
                    self._files.append(_begun(event))
                elif event is not None:
                    self._files[-1].add(bytes(event), limit_bytes=self._limits.image_bytes)
        except MultipartError as error:
            raise self._unreadable(error) from error

    def files(self) -> list[File]:
        """The files, once the whole body was taken."""
        try:
            self._parser.close()
        except MultipartError as error:
            raise self._unreadable(error) from error
        if not self._files:
            raise failed(INVALID_REQUEST, "the form has no file; send at least one")
        return self._files

    def _unreadable(self, error: MultipartError) -> Exception:
        if len(self._files) >= self._limits.images:
            return failed(INVALID_REQUEST, f"the form has more than {self._limits.images} files, the most at once")
        return failed(INVALID_REQUEST, f"the multipart body cannot be read: {error}")


def _begun(segment: MultipartSegment) -> File:
    if segment.filename is None:
        raise failed(INVALID_REQUEST, f"the form's field {segment.name!r} is no file; send files alone")
    return File(segment.filename)
