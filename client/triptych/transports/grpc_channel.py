"""How a gRPC channel is set up, the same for the synchronous and the asynchronous one."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import grpc

from .. import forks
from ..config import Keepalive
from ..endpoint import Endpoint
from ..errors import OverloadedError, UnavailableError
from . import grpc_codec, tls_errors
from .access import advised
from .grpc_errors import translated
from .http1 import MAX_BODY_BYTES
from .peer import Peer
from .tls import Material, system_authorities

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
    ("grpc.max_receive_message_length", MAX_BODY_BYTES),  # as over HTTP
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
            # A ping waits for its answer a minute, and for other pings, unless gRPC is told otherwise; and it has
            # some of its own, which measure the connection for large answers.
            ("grpc.http2.ping_timeout_ms", int(keepalive.timeout_s * 1000)),
            ("grpc.http2.bdp_probe", 0),
            # A server counts pings between its own data, and hangs up at the fourth. Two in a row are safe.
            ("grpc.http2.max_pings_without_data", 2),
        ]
    if endpoint.secure and endpoint.name:
        chosen.append(("grpc.ssl_target_name_override", endpoint.name))
    return chosen


def credentials(material: Material) -> Any:
    """Of a secure channel."""
    return grpc.ssl_channel_credentials(material.ca or system_authorities(), material.key, material.certificate)


@dataclass(slots=True, eq=False)
class Line:
    """A channel and the calls under way on it. A changed certificate needs a new one; the old one ends with its calls.

    material: what its TLS was set up with; None without TLS
    calls:    under way, those that were left included
    left:     under way, their callers gone
    """

    channel: Any
    material: Material | None
    infer: Any
    config: Any
    calls: int = 0
    left: int = 0

    @classmethod
    def on(cls, channel: Any, material: Material | None) -> "Line":
        """A line without calls."""
        return cls(channel, material, grpc_codec.INFER.of(channel), grpc_codec.CONFIG.of(channel))


class GrpcPeer(Peer):
    """Triton's gRPC service at one endpoint, before there is a channel."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self._options = options(self.endpoint, self.policy.keepalive)
        forks.register(self)

    def after_fork(self) -> None:
        """Forget what belongs to the parent process."""
        raise NotImplementedError

    @contextmanager
    def _explained(self, sent: Mapping[str, str], *, timeout_s: float) -> Iterator[None]:
        """Raise a failure of a call with these headers as what it means."""
        with (
            tls_errors.explained(
                self.endpoint,
                shows_certificate=self.shows_certificate,
                kinds=UnavailableError,
                words=_words_of_connecting,
            ),
            advised(sent),
            translated(self.endpoint, timeout_s=timeout_s),
        ):
            yield

    def _check_left(self, left: int) -> None:
        """Whether another call may be left, beside so many.

        Raises:
            OverloadedError: too many were left before.
        """
        if left >= MOST_ABANDONED:
            message = f"{self.endpoint} still works on {MOST_ABANDONED} requests whose deadlines are over"
            raise OverloadedError(message)


def _words_of_connecting(error: Exception) -> str:
    """What gRPC says; nothing where it is what a server or a proxy says."""
    cause = error.__cause__
    words = (cause.details() or "") if isinstance(cause, grpc.RpcError) else ""
    return words if words.startswith("failed to connect") else ""
