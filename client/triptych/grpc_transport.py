"""gRPC transport of the synchronous client."""

import threading
from collections.abc import Mapping
from typing import Any

import grpc

from . import grpc_channel, grpc_codec
from .config import Resilience
from .endpoint import Endpoint
from .errors import OverloadedError
from .grpc_errors import translated
from .transport import InferRequest, InferResponse


class GrpcTransport:
    """Triton's gRPC service at one endpoint, over one channel."""

    def __init__(self, endpoint: Endpoint, policy: Resilience | None = None) -> None:
        policy = policy or Resilience()
        self._endpoint = endpoint
        options, credentials = grpc_channel.options(endpoint, policy.keepalive), grpc_channel.credentials(endpoint)
        if credentials is None:
            self._channel = grpc.insecure_channel(endpoint.authority, options)
        else:
            self._channel = grpc.secure_channel(endpoint.authority, credentials, options)
        self._infer = grpc_codec.INFER.of(self._channel)
        self._config = grpc_codec.CONFIG.of(self._channel)
        self._lock = threading.Lock()
        self._abandoned = 0
        self._closing = False
        self._cancels = policy.cancels
        self._asks_version = policy.cancels is None

    def infer(self, request: InferRequest) -> InferResponse:
        """Ask `image_classifier`."""
        message = grpc_codec.encode(request)
        if self._asks_version:
            self._ask_version()
        with translated(self._endpoint, timeout_s=request.timeout_s):
            if self._cancels:
                answer = self._infer(message, timeout=request.timeout_s)
            else:
                answer = self._answer_or_leave(message, request.timeout_s)
        return grpc_codec.decode(answer)

    def parameters(self, *, timeout_s: float) -> Mapping[str, str]:
        """`parameters` of the ensemble's configuration."""
        with translated(self._endpoint, timeout_s=timeout_s):
            answer = self._config(grpc_codec.CONFIG_REQUEST, timeout=timeout_s)
        return grpc_codec.parameters(answer)

    def close(self) -> None:
        """Release the channel, once the calls that were left have ended; a second call does nothing."""
        with self._lock:
            self._closing = True
            if self._abandoned:
                return
        self._channel.close()

    def _answer_or_leave(self, message: Any, timeout_s: float) -> Any:
        """The answer; where there is none in time, leave the call to end by itself, for the server's sake.

        Raises:
            OverloadedError: too many calls were left before.
            grpc.FutureTimeoutError: there is none in time.
            grpc.RpcError: the call failed.
            ValueError: this transport is closed.
        """
        if self._closing:
            raise ValueError("closed")
        if self._abandoned >= grpc_channel.MOST_ABANDONED:
            count = grpc_channel.MOST_ABANDONED
            raise OverloadedError(f"{self._endpoint} still works on {count} requests whose deadlines are over")
        call = self._infer.future(message, timeout=timeout_s + grpc_channel.GRACE_S)
        try:
            return call.result(timeout=timeout_s)
        except grpc.FutureTimeoutError:
            with self._lock:
                self._abandoned += 1
            call.add_done_callback(self._ended)
            raise

    def _ended(self, _: Any) -> None:
        with self._lock:
            self._abandoned -= 1
            closes = self._closing and not self._abandoned
        if closes:  # not here: this thread is the channel's own
            threading.Thread(target=self._channel.close, daemon=True).start()

    def _ask_version(self) -> None:
        """Learn, without waiting, whether this server survives a cancellation."""
        self._asks_version = False

        def note(call: Any) -> None:
            if not call.cancelled() and call.exception() is None:
                self._cancels = grpc_codec.cancels_safely(call.result().version)

        ask = grpc_codec.METADATA.of(self._channel)
        with translated(self._endpoint, timeout_s=grpc_channel.VERSION_S):
            ask.future(grpc_codec.METADATA_REQUEST, timeout=grpc_channel.VERSION_S).add_done_callback(note)
