"""Whom a load test asks, and how."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final, Literal, TypeVar

from triptych import AsyncClient, Client, InvalidUrlError, Resilience
from triptych.endpoint import Endpoint
from triptych.transports.access import Access
from triptych.transports.transport import AsyncTransport, Transport

Protocol = Literal["grpc", "http", "rest"]
AnyTransport = TypeVar("AnyTransport", Transport, AsyncTransport)

_ATTEMPTS_SHOW: Final = Resilience.off()
"""A retry would hide the failure that is to be counted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Servers that serve the same, each in turn.

    urls:      as the SDK takes them; of gateways, `http://…` or `https://…`
    protocol:  `grpc` or `http` to Triton, `rest` to a gateway
    timeout_s: that one request may take; what is not answered by then is an error
    headers:   of every request, as `x-api-key`
    """

    urls: tuple[str, ...]
    protocol: Protocol
    timeout_s: float = 10.0
    headers: tuple[tuple[str, str], ...] = ()

    @classmethod
    def at(
        cls,
        urls: Sequence[str],
        *,
        rest: bool = False,
        timeout_s: float = 10.0,
        headers: Mapping[str, str] | None = None,
    ) -> "Target":
        """The servers at these URLs, all of one protocol; with `rest` they are gateways.

        Raises:
            InvalidUrlError: one cannot be read, or they do not fit together.
            ValueError: there is none.
        """
        endpoints = Endpoint.from_urls(urls)
        kinds = {endpoint.is_grpc for endpoint in endpoints}
        if len(kinds) > 1:
            raise InvalidUrlError(f"{', '.join(urls)}: one load test speaks one protocol; name gRPC's URLs or HTTP's")
        if rest and True in kinds:
            raise InvalidUrlError(f"{urls[0]}: a gateway speaks HTTP; write http://HOST:PORT")
        protocol: Protocol = "rest" if rest else "grpc" if True in kinds else "http"
        return cls(
            urls=tuple(urls), protocol=protocol, timeout_s=timeout_s, headers=tuple(sorted((headers or {}).items()))
        )

    def client(self) -> Client:
        """The SDK's synchronous client of it."""
        from .rest import RestTransport

        connect = self._gateway(RestTransport) if self.protocol == "rest" else None
        return Client(self.urls, **self._settings(), connect=connect)

    def async_client(self) -> AsyncClient:
        """The SDK's asynchronous client of it."""
        from .rest import AioRestTransport

        connect = self._gateway(AioRestTransport) if self.protocol == "rest" else None
        return AsyncClient(self.urls, **self._settings(), connect=connect)

    def document(self) -> dict[str, Any]:
        """As JSON."""
        return asdict(self)

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> "Target":
        """The inverse of `document`."""
        headers = tuple((name, value) for name, value in document["headers"])
        return cls(**{**document, "urls": tuple(document["urls"]), "headers": headers})

    def _settings(self) -> dict[str, Any]:
        headers = dict(self.headers)
        return {"timeout_s": self.timeout_s, "resilience": _ATTEMPTS_SHOW, "headers": headers}

    def _gateway(self, kind: Callable[..., AnyTransport]) -> Callable[[Endpoint], AnyTransport]:
        access = Access(headers=dict(self.headers))
        return lambda endpoint: kind(endpoint, _ATTEMPTS_SHOW, access=access)
