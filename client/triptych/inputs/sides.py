"""How large a picture `shrink` leaves, learned from the releases that a client meets. Pure."""

from typing import Final

from .. import contract
from ..errors import ImageError, ProtocolError, ServerError
from ..results import Release
from ..settings import Shrink

DEFAULT_SIDE: Final = 512
"""Twice what the usual release scales to, for a server that does not tell what its own does."""

UNTOLD: Final = (ImageError, ProtocolError, ServerError)
"""What asking for the release ends with at a server that classifies all the same."""


class Sides:
    """What the shorter side keeps at the servers of one client. Thread-safe.

    While one release takes over from another both answer, and the larger side suits both.
    """

    def __init__(self) -> None:
        self._learned: dict[int, int] = {}
        self._newest = 0

    def side(self, shrink: Shrink) -> int | None:
        """Pixels; None where pictures stay as they are."""
        if shrink is not True:
            return shrink or None
        return max(dict(self._learned).values(), default=DEFAULT_SIDE)

    def must_ask(self, shrink: Shrink) -> bool:
        """Whether a server is to be asked for its release: at first, and where a newer one has answered."""
        return shrink is True and max(dict(self._learned), default=-1) < self._newest

    def saw(self, version: str) -> None:
        """A model of this version has answered."""
        self._newest = max(self._newest, contract.positive_number(version) or 0)

    def learned(self, release: Release) -> int:
        """A server tells of its release; what is kept from now on."""
        side = DEFAULT_SIDE if release.resize is None else 2 * _larger(release.resize)
        # It may be an older one, where several answer at one address: that is asked once, too.
        self._learned[max(release.number, self._newest)] = side
        return max(dict(self._learned).values())


def _larger(resize: int | tuple[int, int]) -> int:
    """Return the pixels that the shorter side must have for both sides to reach what the release resizes to."""
    return resize if isinstance(resize, int) else max(resize)
