"""Where spans go: a collector of OpenTelemetry, by OTLP over HTTP. Pure.

Spans are made of requests that come with a `traceparent` (https://www.w3.org/TR/trace-context/), so that callers choose
what is traced. Envoy goes by its flag `sampled`; Triton traces what has any.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from triptych_ops.errors import UsageError

_PORT: Final = 4318
_PATH: Final = "/v1/traces"
_NONE_OF_ITS_OWN: Final = 2**31 - 1
"""Of so many requests without `traceparent` Triton traces one."""


@dataclass(frozen=True, slots=True)
class Collector:
    """Host, port and the path before `/v1/traces`."""

    host: str
    port: int
    path: str = ""

    @classmethod
    def at(cls, endpoint: str) -> "Collector":
        """The collector at a base URL, as OTEL_EXPORTER_OTLP_ENDPOINT has it.

        Raises:
            UsageError: it is no http:// URL.
        """
        try:
            parts = urlsplit(endpoint)
            host, port = parts.hostname, parts.port or _PORT
        except ValueError:
            host, port = None, 0
        if not host or parts.scheme != "http" or parts.query or parts.fragment or parts.username:
            raise UsageError(f"{endpoint!r} is no collector; write http://HOST:{_PORT}, an OTLP endpoint over HTTP")
        return cls(host, port, parts.path.rstrip("/").removesuffix(_PATH))

    @property
    def url(self) -> str:
        """Of traces."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}{self.path}{_PATH}"


def triton_flags(collector: Collector) -> Sequence[str]:
    """What makes Triton send a span of a request, and of each member's queue and computation."""
    return (
        "--trace-config=mode=opentelemetry",
        "--trace-config=level=TIMESTAMPS",
        f"--trace-config=rate={_NONE_OF_ITS_OWN}",
        f"--trace-config=opentelemetry,url={collector.url}",
    )
