"""The caller's side of the connection: the body it sends, and whether it still waits."""

import asyncio
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

from starlette.types import Receive

from .admission import Held
from .problems import BODY_TIMEOUT, INVALID_REQUEST, TOO_LARGE, ProblemError, failed

_LENGTH: Final = b"content-length"
_CONNECTION: Final = "triptych.connection"


class GoneError(Exception):
    """The caller has left; nobody is to be answered."""


async def read(
    headers: Mapping[bytes, bytes],
    receive: Receive,
    take: Callable[[bytes], None],
    *,
    limit_bytes: int,
    held: Held,
    timeout_s: float,
) -> None:
    """Give the body's pieces to `take` as they arrive. What announces too many bytes is not read at all.

    Raises:
        ProblemError: it has more than `limit_bytes`, there is no room for it, or it did not arrive in time.
        GoneError: the caller left.
    """
    announced, count = _announced_bytes(headers), 0
    if announced > limit_bytes:
        raise _too_large(limit_bytes)
    try:
        async with asyncio.timeout(timeout_s):
            while True:
                message = await receive()
                if message["type"] == "http.disconnect":
                    raise GoneError
                piece = message.get("body", b"")
                count += len(piece)
                if count > limit_bytes:
                    raise _too_large(limit_bytes)
                held.add(len(piece))
                take(piece)
                if not message.get("more_body", False):
                    return
    except TimeoutError as error:
        detail = f"{count} bytes of the body arrived within {timeout_s:g} s, and not the rest"
        raise failed(BODY_TIMEOUT, detail, headers={"Connection": "close"}) from error


def _announced_bytes(headers: Mapping[bytes, bytes]) -> int:
    length = headers.get(_LENGTH, b"0")
    if not length.isdigit():
        raise failed(INVALID_REQUEST, "Content-Length is no number")
    return int(length)


def _too_large(limit_bytes: int) -> ProblemError:
    return failed(TOO_LARGE, f"the body has more than {limit_bytes} bytes, the most that is accepted")


class Connection:
    """Tells the request under way that its caller has left. Lies in the ASGI scope; see `protocol`."""

    def __init__(self) -> None:
        self._left = False
        self._waiting: asyncio.Task[object] | None = None

    def lay(self, scope: Any) -> None:
        """Put it into a scope."""
        scope[_CONNECTION] = self

    @staticmethod
    def of(scope: Mapping[str, Any]) -> "Connection":
        """The one that lies there; where another server than ours runs the application, one that never ends."""
        connection: Connection = scope.get(_CONNECTION) or Connection()
        return connection

    def lose(self) -> None:
        """It has ended."""
        self._left = True
        if self._waiting is not None:
            self._waiting.cancel()

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """A context, in the task of a request, that is cancelled once the caller leaves.

        Raises:
            GoneError: it left.
        """
        if self._has_ended():
            raise GoneError
        task = self._waiting = asyncio.current_task()
        try:
            yield
        except asyncio.CancelledError as error:
            if self._has_ended() and task is not None and task.uncancel() == 0:
                raise GoneError from error
            raise
        finally:
            self._waiting = None

    def _has_ended(self) -> bool:
        return self._left
