"""How a gRPC channel is set up, the same for the synchronous and the asynchronous one."""

from typing import Any

import grpc

from .config import Keepalive
from .endpoint import Endpoint

GRACE_S = 30.0
"""What a call whose caller has left may take, so that it ends by itself and is not cancelled at the server."""

MOST_ABANDONED = 64
"""Calls under way that nobody waits for any more; a server that is so far behind gets no further ones."""

CLOSE_S = 5.0
"""What closing an asynchronous transport waits for such calls."""

VERSION_S = 3.0
"""What asking the server for its version may take; nobody waits for it."""

_OPTIONS = (
    ("grpc.max_send_message_length", -1),  # Triton's own limits decide
    ("grpc.max_receive_message_length", -1),
    # A server that comes back is found within a second; gRPC's default waits up to two minutes.
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 1000),
    # And one that does not answer while connecting is given up after a second: it takes a few round trips.
    ("grpc.min_reconnect_backoff_ms", 1000),
    # As over HTTP: a request goes where the URL says, whatever `http_proxy` is in the environment.
    ("grpc.enable_http_proxy", 0),
    # Connections of two clients have nothing to do with each other.
    ("grpc.use_local_subchannel_pool", 1),
)


def options(endpoint: Endpoint, keepalive: Keepalive | None) -> list[tuple[str, Any]]:
    """Arguments of the channel to `endpoint`."""
    chosen: list[tuple[str, Any]] = list(_OPTIONS)
    if keepalive is not None:
        chosen += [
            ("grpc.keepalive_time_ms", int(keepalive.time_s * 1000)),
            ("grpc.keepalive_timeout_ms", int(keepalive.timeout_s * 1000)),
            ("grpc.keepalive_permit_without_calls", 0),
            # A server counts pings between its own data, and hangs up at the fourth. Two in a row are safe.
            ("grpc.http2.max_pings_without_data", 2),
        ]
    if endpoint.secure and endpoint.name:
        chosen.append(("grpc.ssl_target_name_override", endpoint.name))
    return chosen


def credentials(endpoint: Endpoint) -> Any:
    """Of a secure channel; None for a plain one."""
    return grpc.ssl_channel_credentials() if endpoint.secure else None
