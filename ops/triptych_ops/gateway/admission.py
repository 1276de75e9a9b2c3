"""How much is under way: images that a server is asked about, and bytes that are held. For one event loop."""

from collections.abc import Iterator
from contextlib import contextmanager

from .limits import Limits
from .problems import OVERLOADED, ProblemError, failed


class Admission:
    """Lets requests in while there is room, and says at once to the others that there is none."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._images = 0
        self._bytes = 0

    @property
    def images(self) -> int:
        """That a server is asked about now."""
        return self._images

    @property
    def held_bytes(self) -> int:
        """Of bodies in memory."""
        return self._bytes

    def check(self) -> None:
        """Whether a request that comes now would be let in; asked before its body is read.

        Raises:
            ProblemError: it would not.
        """
        if self._images >= self._limits.concurrent_images or self._bytes >= self._limits.held_bytes:
            raise self._full()

    @contextmanager
    def asking(self, images: int) -> Iterator[None]:
        """A server is asked about so many images. A request with more than ever fit is let in alone.

        Raises:
            ProblemError: there is no room for them.
        """
        if self._images and self._images + images > self._limits.concurrent_images:
            raise self._full()
        self._images += images
        try:
            yield
        finally:
            self._images -= images

    @contextmanager
    def holding(self) -> Iterator["Held"]:
        """The body of one request in memory."""
        held = Held(self)
        try:
            yield held
        finally:
            self._bytes -= held.count

    def hold(self, count: int) -> None:
        """So many more bytes.

        Raises:
            ProblemError: there is no room for them.
        """
        if self._bytes + count > self._limits.held_bytes:
            raise self._full()
        self._bytes += count

    def _full(self) -> ProblemError:
        return failed(OVERLOADED, f"{self._images} images are being classified; come back later")


class Held:
    """Bytes of one body."""

    __slots__ = ("_admission", "count")

    def __init__(self, admission: Admission) -> None:
        self._admission = admission
        self.count = 0

    def add(self, count: int) -> None:
        """So many more.

        Raises:
            ProblemError: there is no room for them.
        """
        self._admission.hold(count)
        self.count += count
