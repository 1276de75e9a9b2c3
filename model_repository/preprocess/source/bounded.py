"""Bytes that a parser may ask for only so often."""

import io


class TooManyReadsError(Exception):
    """A parser asked more often than it may."""


class BoundedBytes(io.BytesIO):
    """A file in memory that refuses to be read in more than `reads_left` pieces."""

    def __init__(self, body: bytes, *, reads: int) -> None:
        super().__init__(body)
        self.reads_left = reads

    def read(self, size: int | None = -1, /) -> bytes:
        """As of any file.

        Raises:
            TooManyReadsError: it has been read too often.
        """
        self.reads_left -= 1
        if self.reads_left < 0:
            raise TooManyReadsError("it comes in too many pieces")
        return io.BytesIO.read(self, size)
