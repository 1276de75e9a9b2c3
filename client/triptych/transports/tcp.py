"""Settings of a TCP connection."""

import socket
from contextlib import suppress

from ..config import Keepalive


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
