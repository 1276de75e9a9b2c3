"""One request and its answer, as all parts of the gateway know it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from starlette.types import Scope, Send

from .caller import Connection

_KEY: Final = "triptych.exchange"
_JSON: Final = (b"content-type", b"application/json")


@dataclass(slots=True)
class Exchange:
    """Lies in the ASGI scope.

    headers:    of the request, names in lower case
    request_id: goes with the answer
    named:      the caller gave that, so it goes on to the server as well
    connection: that it came by
    body_bytes: that arrived
    images:     that a server is asked about
    """

    headers: Mapping[bytes, bytes]
    request_id: str
    named: bool
    connection: Connection
    body_bytes: int = 0
    images: int = 0

    def lay(self, scope: Scope) -> None:
        """Put it into a scope."""
        scope[_KEY] = self

    @classmethod
    def of(cls, scope: Scope) -> "Exchange":
        """The one that lies there."""
        exchange: Exchange = scope[_KEY]
        return exchange


async def send_json(send: Send, document: Mapping[str, Any]) -> None:
    """Answer with a document."""
    body = json.dumps(document, allow_nan=False).encode()
    headers = [_JSON, (b"content-length", str(len(body)).encode()), (b"cache-control", b"no-store")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})
