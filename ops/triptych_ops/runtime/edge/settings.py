"""What the edge is asked to be: where it listens, whom it lets in, how much it takes."""

import ipaddress
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from triptych import contract
from triptych_ops.errors import MissingError, OpsError, UsageError
from triptych_ops.runtime.tracing import Collector

_LARGEST_BODY = 2**31 - 1  # protobuf's own limit of a message


@dataclass(frozen=True, slots=True)
class TlsFiles:
    """PEM files on disk; replaced by a rename, they are taken up without a restart.

    certificate:        of the server, with its chain. A rename in its folder makes both files be read anew,
                        so the key is replaced first
    key:                its private key
    client_authorities: clients must have a certificate of one of these; None lets in clients without any

    Raises:
        MissingError: a file is not there.
        UsageError: a file is no PEM of its kind, or the key is not the certificate's.
    """

    certificate: Path
    key: Path
    client_authorities: Path | None = None

    def __post_init__(self) -> None:
        files = (self.certificate, self.key, *([self.client_authorities] if self.client_authorities else []))
        for file in files:
            if not file.is_file():
                raise MissingError(f"{file} is not a file; name a PEM file")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        try:
            context.load_cert_chain(self.certificate, self.key, password=_no_password)
        except (OSError, OpsError) as error:
            reason = getattr(error, "reason", None) or error
            raise UsageError(
                f"{self.certificate} and {self.key} are not a certificate and its key: {reason}"
            ) from error
        if self.client_authorities:
            try:
                context.load_verify_locations(self.client_authorities)
            except OSError as error:
                raise UsageError(f"{self.client_authorities} has no certificate in PEM; name a CA's") from error


def _no_password() -> str:
    raise UsageError("the key is encrypted; give one that is not")


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A client's name and its secret."""

    client: str
    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Limits:
    """How much the edge takes, and for how long it waits.

    Raises:
        UsageError: a limit that no request can keep.
    """

    max_body_bytes: int = 64 * 1024 * 1024
    """32 photographs of 2 MB. All 32 images of a request at their 20 MB would be 640 MB, which nobody sends."""

    max_concurrent: int = 32
    """Requests in Triton's hands, over HTTP and gRPC together: enough to fill every batch, and a wait of a
    quarter of a second where 130 images a second are classified. One more is told at once to come later."""

    max_connections: int = 4096
    """Many times the clients of one server. At some 50 KB each with TLS they hold 200 MB."""

    memory_bytes: int = 1024 * 1024 * 1024
    """Of the edge. From 80 % on the requests that hold most are dropped, from 95 % on none is taken."""

    request_timeout_s: float = 30.0
    """From a request's first byte to its last: 64 MB need 18 Mbit/s."""

    answer_timeout_s: float = 30.0
    """From a request's last byte to its answer: three times what a client waits unless it says otherwise."""

    head_timeout_s: float = 10.0
    """A request's head fits in a few packets."""

    idle_timeout_s: float = 60.0
    """A connection without requests; a client opens another in a round trip."""

    connection_age_s: float = 3600.0
    """A connection with requests: its client then finds servers that came meanwhile."""

    def __post_init__(self) -> None:
        if not contract.MAX_IMAGE_BYTES <= self.max_body_bytes <= _LARGEST_BODY:
            raise UsageError(
                f"a body limit of {self.max_body_bytes} bytes is not between {contract.MAX_IMAGE_BYTES}, "
                f"the largest image, and {_LARGEST_BODY}"
            )
        if self.memory_bytes < 4 * self.max_body_bytes:
            raise UsageError(
                f"{self.memory_bytes} bytes of memory do not hold four bodies of {self.max_body_bytes} bytes; "
                "raise the one or lower the other"
            )
        for name in ("max_concurrent", "max_connections"):
            if getattr(self, name) < 1:
                raise UsageError(f"{name} is {getattr(self, name)}; give at least 1")
        for name in ("request_timeout_s", "answer_timeout_s", "head_timeout_s", "idle_timeout_s", "connection_age_s"):
            if not 0 < getattr(self, name) <= 3600:
                raise UsageError(f"{name} is {getattr(self, name):g}; give more than 0 and at most 3600 seconds")


@dataclass(frozen=True, slots=True)
class EdgeSettings:
    """An edge. Without TLS and keys whoever reaches it may ask, so it listens on loopback unless told otherwise.

    Raises:
        UsageError: two of the ports are the same, the address is none, a client or a key is named twice.
    """

    address: str = "127.0.0.1"
    http_port: int = 8080
    grpc_port: int = 8081
    metrics_port: int | None = None
    """In plain, for Prometheus. None: no such port, since nobody is asked for a key there."""
    tls: TlsFiles | None = None
    api_keys: tuple[ApiKey, ...] = ()
    limits: Limits = field(default_factory=Limits)
    collector: Collector | None = None
    workers: int = 2
    """Threads. One passes on a gigabit a second; the second serves while the first shakes hands."""

    def __post_init__(self) -> None:
        if self.workers < 1:
            raise UsageError(f"workers is {self.workers}; give at least 1")
        ports = self.ports
        if len(set(ports.values())) < len(ports):
            listed = ", ".join(f"{name} {port}" for name, port in ports.items())
            raise UsageError(f"the edge's ports must differ: {listed}")
        try:
            ipaddress.ip_address(self.address)
        except ValueError as error:
            raise UsageError(f"{self.address!r} is not an IP address; write for example 0.0.0.0") from error
        for what in ("client", "secret"):
            values = [getattr(key, what) for key in self.api_keys]
            if len(set(values)) < len(values):
                raise UsageError(f"two of the API keys have the same {what}; give each client a key of its own")

    @property
    def ports(self) -> Mapping[str, int]:
        """By what is served there."""
        metrics = {} if self.metrics_port is None else {"metrics": self.metrics_port}
        return {"http": self.http_port, "grpc": self.grpc_port, **metrics}

    @property
    def open_to_all(self) -> bool:
        """Whether anybody in the network may ask."""
        known = self.api_keys or (self.tls and self.tls.client_authorities)
        return not known and not ipaddress.ip_address(self.address).is_loopback

    @property
    def http_url(self) -> str:
        """For the SDK."""
        return f"{'https' if self.tls else 'http'}://{self._host}:{self.http_port}"

    @property
    def grpc_url(self) -> str:
        """For the SDK."""
        return f"{'grpcs' if self.tls else 'grpc'}://{self._host}:{self.grpc_port}"

    @property
    def metrics_url(self) -> str | None:
        """For Prometheus."""
        return None if self.metrics_port is None else f"http://{self._host}:{self.metrics_port}/metrics"

    @property
    def _host(self) -> str:
        return f"[{self.address}]" if ":" in self.address else self.address


@dataclass(frozen=True, slots=True)
class Upstream:
    """Where the Triton behind the edge listens, in plain."""

    http_port: int
    grpc_port: int
    address: str = "127.0.0.1"
