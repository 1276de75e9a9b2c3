"""Client SDK of Triptych: image classification served by Triton.

    from triptych import Client

    with Client("grpc://localhost:8001") as client:
        result = client.classify("cat.jpg")
        print(result.top.label, result.top.score, result.release)

Forbidden inside: anything of `triptych_ops`, and every package beyond what tritonclient[grpc] brings;
Pillow is imported only when an array is to be encoded.
"""

from .client import Client
from .errors import (
    DeadlineExceededError,
    ImageError,
    InvalidUrlError,
    NotFoundError,
    OverloadedError,
    PermissionDeniedError,
    ProtocolError,
    ServerError,
    TriptychError,
    UnavailableError,
)
from .images import ImageInput
from .results import Classification, Embedding, Health, Prediction

__all__ = [
    "Classification",
    "Client",
    "DeadlineExceededError",
    "Embedding",
    "Health",
    "ImageError",
    "ImageInput",
    "InvalidUrlError",
    "NotFoundError",
    "OverloadedError",
    "PermissionDeniedError",
    "Prediction",
    "ProtocolError",
    "ServerError",
    "TriptychError",
    "UnavailableError",
]
