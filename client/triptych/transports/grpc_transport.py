"""gRPC transport of the synchronous client."""

import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import grpc

from . import grpc_channel, grpc_codec
from .grpc_channel import GrpcPeer, Line
from .grpc_forks import CALLS, keep_for_ever
from .headers import NO_HEADERS
from .tls import Material
from .transport import InferRequest, InferResponse


class GrpcTransport(GrpcPeer):
    """Triton's gRPC service at one endpoint, over one channel, and another after a certificate has changed."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self._lines: set[Line] = set()
        self._closing = False
        self._begin()

    def after_fork(self) -> None:
        """Forget the channels of the parent process."""
        keep_for_ever(self._lines)
        self._begin()

    def _begin(self) -> None:
        self._lock = threading.Lock()
        self._line: Line | None = None
        self._lines = set()
        self._cancels = self.policy.cancels
        self._asks_version = self.policy.cancels is None

    def infer(self, request: InferRequest) -> InferResponse:
        """Ask `image_classifier`."""
        deadline = time.monotonic() + request.timeout_s
        sent = self.access.headers_with(request.headers)
        message, metadata = grpc_codec.encode(request), tuple(sent.items())
        with self._on_line(sent, timeout_s=request.timeout_s) as line:
            left_s = max(0.0, deadline - time.monotonic())
            if self._asks_version:
                self._ask_version(line, metadata)
            if self._cancels:
                answer = line.infer(message, timeout=left_s, metadata=metadata)
            else:
                answer = self._answer_or_leave(line, message, left_s, metadata)
        return grpc_codec.decode(answer)

    def parameters(self, *, timeout_s: float) -> Mapping[str, str]:
        """`parameters` of the ensemble's configuration."""
        sent = self.access.headers_with(NO_HEADERS)
        with self._on_line(sent, timeout_s=timeout_s) as line:
            answer = line.config(grpc_codec.CONFIG_REQUEST, timeout=timeout_s, metadata=tuple(sent.items()))
        return grpc_codec.parameters(answer)

    def close(self) -> None:
        """Release the channel, once the calls that were left have ended; a second call does nothing."""
        with self._lock:
            self._closing = True
            done = [line for line in self._lines if not line.left]
            self._lines.difference_update(done)
        for line in done:
            line.channel.close()

    def _open(self, material: Material | None) -> Line:
        if material is None:
            channel = grpc.insecure_channel(self.endpoint.authority, self._options)
        else:
            channel = grpc.secure_channel(self.endpoint.authority, grpc_channel.credentials(material), self._options)
        return Line.on(channel, material)

    @contextmanager
    def _on_line(self, sent: Mapping[str, str], *, timeout_s: float) -> Iterator[Line]:
        """The line for a call with these headers, whose failures are translated.

        Raises:
            TriptychError: the call failed, or this transport is closed.
        """
        try:
            CALLS.enter(timeout_s)
            try:
                line = self._taken()
                try:
                    yield line
                finally:
                    for done in self._given_back(line):
                        done.channel.close()
            finally:
                CALLS.leave()
        except Exception:
            with self._explained(sent, timeout_s=timeout_s):
                raise

    def _taken(self) -> Line:
        material = self.material()
        with self._lock:
            if self._closing:
                raise ValueError("closed")
            line = self._line
            if line is None or line.material is not material:
                line = self._line = self._open(material)
                self._lines.add(line)
            line.calls += 1
            return line

    def _given_back(self, line: Line, *, left: bool = False) -> list[Line]:
        """Note that a call on this line has ended, and give the lines that are not needed any more."""
        with self._lock:
            line.calls -= 1
            line.left -= left
            if len(self._lines) == 1 and not self._closing:
                return []
            done = [each for each in self._lines if not (each.left if self._closing else each.calls)]
            done = [each for each in done if self._closing or each is not self._line]
            self._lines.difference_update(done)
            return done

    def _answer_or_leave(self, line: Line, message: Any, timeout_s: float, metadata: Any) -> Any:
        """The answer; where there is none in time, leave the call to end by itself, for the server's sake.

        Raises:
            OverloadedError: too many calls were left before.
            grpc.FutureTimeoutError: there is none in time.
            grpc.RpcError: the call failed.
        """
        self._check_left(sum(each.left for each in tuple(self._lines)))
        call = line.infer.future(message, timeout=timeout_s + grpc_channel.GRACE_S, metadata=metadata)
        try:
            return call.result(timeout=timeout_s)
        except grpc.FutureTimeoutError:
            with self._lock:
                line.calls += 1
                line.left += 1
            CALLS.enter(None)
            call.add_done_callback(lambda _: self._ended(line))
            raise

    def _ended(self, line: Line) -> None:
        CALLS.leave()
        for done in self._given_back(line, left=True):  # not here: this thread is the channel's own
            threading.Thread(target=done.channel.close, daemon=True).start()

    def _ask_version(self, line: Line, metadata: Any) -> None:
        """Learn, without waiting, whether this server survives a cancellation."""
        self._asks_version = False

        def note(call: Any) -> None:
            CALLS.leave()
            if not call.cancelled() and call.exception() is None:
                self._cancels = grpc_codec.cancels_safely(call.result().version)

        ask = grpc_codec.METADATA.of(line.channel)
        CALLS.enter(None)
        asked = ask.future(grpc_codec.METADATA_REQUEST, timeout=grpc_channel.VERSION_S, metadata=metadata)
        asked.add_done_callback(note)
