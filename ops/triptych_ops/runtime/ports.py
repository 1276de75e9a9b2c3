"""The three ports of a server on loopback."""

import errno
import socket
from contextlib import ExitStack
from dataclasses import dataclass

from triptych_ops.errors import OpsError, UsageError

LOOPBACK = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Ports:
    """Where a server listens; Triton's own defaults."""

    http: int = 8000
    grpc: int = 8001
    metrics: int = 8002

    @classmethod
    def free(cls) -> "Ports":
        """Three ports that nothing listens on now."""
        with ExitStack() as stack:
            sockets = [stack.enter_context(socket.create_server((LOOPBACK, 0))) for _ in range(3)]
            return cls(*(listening.getsockname()[1] for listening in sockets))

    def check(self) -> None:
        """Try each port.

        Raises:
            UsageError: two of them are the same.
            OpsError: one is in use, or needs rights that this process lacks.
        """
        named = {"http": self.http, "grpc": self.grpc, "metrics": self.metrics}
        if len(set(named.values())) < len(named):
            raise UsageError(f"the ports must differ: {', '.join(f'{name} {port}' for name, port in named.items())}")
        for name, port in named.items():
            try:
                socket.create_server((LOOPBACK, port)).close()
            except OSError as error:
                reason = "is in use" if error.errno == errno.EADDRINUSE else f"cannot be opened: {error.strerror}"
                raise OpsError(f"port {port} {reason}; choose another with --{name}-port") from error

    @property
    def http_url(self) -> str:
        """For the SDK."""
        return f"http://{LOOPBACK}:{self.http}"

    @property
    def grpc_url(self) -> str:
        """For the SDK."""
        return f"grpc://{LOOPBACK}:{self.grpc}"

    @property
    def metrics_url(self) -> str:
        """For Prometheus."""
        return f"http://{LOOPBACK}:{self.metrics}/metrics"
