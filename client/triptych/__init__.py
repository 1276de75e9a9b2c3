"""Client SDK of Triptych: image classification served by Triton.

    from triptych import Client

    with Client("grpc://localhost:8001") as client:
        result = client.classify("cat.jpg")
        print(result.top.label, result.top.score, result.release)

`__version__` is that of the installed package. The logger `triptych` tells of retries, hedges and ejections at DEBUG.

Forbidden inside: anything of `triptych_ops`, and every package beyond what tritonclient[grpc] brings;
Pillow is imported only when an array is to be encoded or a photograph shrunk.
"""

from .aio import AsyncClient
from .client import Client
from .config import BackOff, Breaker, Ejection, Hedging, Keepalive, Resilience, Retry
from .errors import (
    DeadlineExceededError,
    ImageError,
    InvalidSettingError,
    InvalidUrlError,
    InvalidUseError,
    NotFoundError,
    OverloadedError,
    PermissionDeniedError,
    ProtocolError,
    ServerError,
    TooLargeError,
    TriptychError,
    UnavailableError,
)
from .inputs.fetching import Fetching
from .inputs.images import ImageInput
from .results import Classification, Embedding, Health, Prediction, Release
from .transports.tls import Tls

__all__ = [
    "AsyncClient",
    "BackOff",
    "Breaker",
    "Classification",
    "Client",
    "DeadlineExceededError",
    "Ejection",
    "Embedding",
    "Fetching",
    "Health",
    "Hedging",
    "ImageError",
    "ImageInput",
    "InvalidSettingError",
    "InvalidUrlError",
    "InvalidUseError",
    "Keepalive",
    "NotFoundError",
    "OverloadedError",
    "PermissionDeniedError",
    "Prediction",
    "ProtocolError",
    "Release",
    "Resilience",
    "Retry",
    "ServerError",
    "Tls",
    "TooLargeError",
    "TriptychError",
    "UnavailableError",
    "__version__",
]

__version__: str


def __getattr__(name: str) -> str:
    """Return `__version__`, which is read from the installed package when it is first asked for."""
    if name != "__version__":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib.metadata import PackageNotFoundError, version

    try:
        found = version("triptych")
    except PackageNotFoundError:  # the folder alone, without its metadata
        found = "unknown"
    globals()[name] = found
    return found
