"""HTTP transport: a urllib3 pool, its errors translated."""

import http.client
import json
import time
from collections.abc import Mapping
from typing import Any

import urllib3

from . import contract, http_codec
from .endpoint import Endpoint
from .errors import (
    DeadlineExceededError,
    NotFoundError,
    OverloadedError,
    PermissionDeniedError,
    ProtocolError,
    ServerError,
    TriptychError,
    UnavailableError,
)
from .transport import InferRequest, InferResponse, InvalidArgumentError

_ERRORS: Mapping[int, type[TriptychError]] = {
    400: InvalidArgumentError,
    401: PermissionDeniedError,
    403: PermissionDeniedError,
    404: NotFoundError,
    413: InvalidArgumentError,
    429: OverloadedError,
    502: UnavailableError,
    503: UnavailableError,
    504: DeadlineExceededError,
}
"""HTTP status -> error; every other status of 4xx is a ProtocolError, of 5xx a ServerError."""

_CHUNK_BYTES = 1 << 20
_CONNECTIONS = 64  # kept open by one client; more threads than that open and close their own


class HttpTransport:
    """Triton's HTTP service at one endpoint, over pooled connections."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint
        self._model_path = f"{endpoint.path}/v2/models/{contract.MODEL_NAME}"
        # No retries and no redirects here: an inference goes where it was sent, once.
        pool = urllib3.HTTPSConnectionPool if endpoint.scheme == "https" else urllib3.HTTPConnectionPool
        self._pool = pool(endpoint.host, endpoint.port, maxsize=_CONNECTIONS, retries=False)

    def infer(self, request: InferRequest) -> InferResponse:
        """Ask `image_classifier`."""
        body, headers = http_codec.encode(request)
        answered, content = self._exchange("POST", "/infer", timeout_s=request.timeout_s, body=body, headers=headers)
        return http_codec.decode(content, answered.get(http_codec.HEADER_LENGTH))

    def parameters(self, *, timeout_s: float) -> Mapping[str, str]:
        """`parameters` of the ensemble's configuration."""
        _, content = self._exchange("GET", "/config", timeout_s=timeout_s)
        try:
            parameters = json.loads(content).get("parameters", {})
            return {key: str(value["string_value"]) for key, value in parameters.items()}
        except (ValueError, KeyError, AttributeError, TypeError, RecursionError) as error:
            raise ProtocolError(f"{self._endpoint}: the answer is no model configuration") from error

    def close(self) -> None:
        """Close the pool; a second call does nothing."""
        self._pool.close()

    def _exchange(self, method: str, path: str, *, timeout_s: float, **content: Any) -> tuple[Mapping[str, str], bytes]:
        deadline = time.monotonic() + timeout_s
        try:
            answer = self._pool.request(
                method,
                self._model_path + path,
                timeout=urllib3.Timeout(total=timeout_s),
                redirect=False,
                preload_content=False,
                **content,
            )
            body = _read(answer, deadline)
        except urllib3.exceptions.NewConnectionError as error:
            raise UnavailableError(
                f"no HTTP server answers at {self._endpoint}; is it running? ({_reason(error)})"
            ) from error
        except urllib3.exceptions.TimeoutError as error:
            raise DeadlineExceededError(f"{self._endpoint} did not answer within {timeout_s:g} s") from error
        except urllib3.exceptions.ClosedPoolError as error:
            raise UnavailableError("this client was closed; make another") from error
        except urllib3.exceptions.ProtocolError as error:
            if type(error.__context__) is http.client.BadStatusLine:  # its subclass means: closed without an answer
                message = f"{self._endpoint} does not speak HTTP; is this the port of another protocol?"
                raise ProtocolError(message) from error
            raise UnavailableError(f"the connection to {self._endpoint} broke: {error}") from error
        except urllib3.exceptions.HTTPError as error:
            raise UnavailableError(f"the connection to {self._endpoint} broke: {error}") from error
        if answer.status != 200:
            raise _translated(answer.status, answer.reason, body, self._endpoint)
        return answer.headers, body


def _read(answer: urllib3.BaseHTTPResponse, deadline: float) -> bytes:
    """The body, as it comes, until `deadline`; the connection goes back to the pool when it is whole."""
    try:
        chunks = []
        while chunk := answer.read1(_CHUNK_BYTES):
            chunks.append(chunk)
            if time.monotonic() > deadline:
                raise urllib3.exceptions.TimeoutError("the answer trickles")  # noqa: TRY301
    except BaseException:
        answer.close()
        raise
    answer.release_conn()
    return b"".join(chunks)


def _translated(status: int, reason: str | None, body: bytes, endpoint: Endpoint) -> TriptychError:
    kind = _ERRORS.get(status, ServerError if status >= 500 else ProtocolError)
    message = _message(body) or reason or "no message"
    if kind is InvalidArgumentError:
        return InvalidArgumentError(message)
    return kind(f"{endpoint}: HTTP {status}: {message.splitlines()[0][:200]}")


def _reason(error: Exception) -> str:
    """The system's words, without urllib3's own before them."""
    return str(error).rpartition(": ")[2]


def _message(body: bytes) -> str:
    """Triton's `{"error": …}`; nothing of another server's page."""
    try:
        return str(json.loads(body)["error"])
    except (ValueError, KeyError, TypeError, RecursionError):
        return ""
