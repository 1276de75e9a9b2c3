"""A TCP connection: opened by a deadline, and found dead where its other end has vanished."""

import errno
import os
import select
import socket
import time
from collections.abc import Sequence
from contextlib import suppress

from ..config import Keepalive


def left_s(deadline: float) -> float:
    """What is left until the monotonic clock says `deadline`.

    Raises:
        TimeoutError: nothing.
    """
    seconds = deadline - time.monotonic()
    if seconds <= 0:
        raise TimeoutError("the deadline is over")
    return seconds


def connected(addresses: Sequence[tuple[str, int]], deadline: float) -> socket.socket:
    """A connection to the first of these addresses that takes one; each has its share of the time that is left.

    Raises:
        OSError: none did; the last one's failure, a TimeoutError among them.
    """
    failure: OSError = ConnectionError("the name has no address")
    for tried, address in enumerate(addresses):
        try:
            return socket.create_connection(address, left_s(deadline) / (len(addresses) - tried))
        except OSError as error:
            failure = error
    raise failure


def wait(connection: socket.socket, timeout_s: float, *, for_room: bool) -> bool:
    """Wait until something arrives, or the other end closes or fails, and say whether it did within `timeout_s`.

    for_room: also stop waiting once there is room to send more
    """
    if not hasattr(select, "poll"):  # Windows
        readable, _, failed = select.select([connection], [connection] if for_room else [], [connection], timeout_s)
        return bool(readable or failed)
    poll = select.poll()  # which, unlike `select`, takes descriptors of any number
    poll.register(connection, select.POLLIN | (select.POLLOUT if for_room else 0))
    return any(event & ~select.POLLOUT for _, event in poll.poll(timeout_s * 1000))


def keep_alive(connection: socket.socket, policy: Keepalive | None) -> None:
    """Send at once what is to be sent, and let the kernel find a connection whose other end has vanished."""
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if policy is None:
        return
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    options = {
        "TCP_KEEPIDLE": round(policy.time_s) or 1,
        "TCP_KEEPINTVL": round(policy.timeout_s) or 1,
        "TCP_KEEPCNT": 1,
        "TCP_USER_TIMEOUT": round((policy.time_s + policy.timeout_s) * 1000),
    }
    for name, value in options.items():
        with suppress(OSError):  # a kernel that does not know it
            if hasattr(socket, name):
                connection.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)


def reason(error: OSError) -> str:
    """Return what the system says of a connection that failed, where asyncio has words of its own."""
    if error.errno is not None and error.errno in errno.errorcode:
        return os.strerror(error.errno)
    return str(error.strerror or error)
