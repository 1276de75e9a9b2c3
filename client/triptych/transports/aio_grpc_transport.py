"""gRPC transport of the asynchronous client."""

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import grpc.aio

from . import grpc_channel, grpc_codec
from .grpc_channel import GrpcPeer, Line
from .grpc_errors import translated
from .grpc_forks import CALLS, keep_for_ever
from .headers import NO_HEADERS
from .tls import Material
from .transport import InferRequest, InferResponse

_LAST_WORDS_S = 0.1


class AioGrpcTransport(GrpcPeer):
    """Triton's gRPC service at one endpoint, over one channel of the running event loop; see `GrpcTransport`."""

    def __post_init__(self) -> None:
        super().__post_init__()
        CALLS.check()
        self._line = self._open(self.material())
        self._lines = {self._line}
        self._retired: set[asyncio.Task[None]] = set()
        self._left: set[asyncio.Task[Any]] = set()
        self._closing = asyncio.Event()
        self._cancels = self.policy.cancels
        self._version: asyncio.Task[None] | None = None

    def after_fork(self) -> None:
        """Leave the channels to the parent process; this transport belongs to an event loop of the parent, too."""
        keep_for_ever((self._lines, self._left, self._version, self._retired))

    async def infer(self, request: InferRequest) -> InferResponse:
        """Ask `image_classifier`."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + request.timeout_s
        sent = await self._headers(request.headers, timeout_s=request.timeout_s)
        message, metadata = grpc_codec.encode(request), tuple(sent.items())
        await CALLS.pause()
        with self._on_line(sent, timeout_s=request.timeout_s) as line:
            left_s = max(0.0, deadline - loop.time())
            if self._cancels is None and self._version is None:
                self._version = asyncio.create_task(self._ask_version(line, metadata))
            try:
                if self._cancels:
                    answer = await line.infer(message, timeout=left_s, metadata=metadata)
                else:
                    answer = await self._answer_or_leave(line, message, left_s, metadata)
            except asyncio.CancelledError:
                if self._closing.is_set() and not _is_cancelled():  # the channel's word for a call that it closed under
                    raise ValueError("closed") from None
                raise
        return grpc_codec.decode(answer)

    async def parameters(self, *, timeout_s: float) -> Mapping[str, str]:
        """`parameters` of the ensemble's configuration."""
        sent = await self._headers(NO_HEADERS, timeout_s=timeout_s)
        await CALLS.pause()
        with self._on_line(sent, timeout_s=timeout_s) as line:
            answer = await line.config(grpc_codec.CONFIG_REQUEST, timeout=timeout_s, metadata=tuple(sent.items()))
        return grpc_codec.parameters(answer)

    async def close(self) -> None:
        """Release the channel, after a while at most for calls that were left; a second call does nothing."""
        if self._closing.is_set():
            return
        self._closing.set()
        unfinished = self._left | ({self._version} if self._version else set())
        if unfinished:
            _, unfinished = await asyncio.wait(unfinished, timeout=grpc_channel.CLOSE_S)
        for line in tuple(self._lines):
            await line.channel.close()
        if unfinished:
            # gRPC tells the loop of each call's end a moment after the call itself; the loop must not end before.
            await asyncio.wait(unfinished)
            await asyncio.sleep(_LAST_WORDS_S)
        if self._retired:
            await asyncio.wait(self._retired)

    def _open(self, material: Material | None) -> Line:
        if material is None:
            channel = grpc.aio.insecure_channel(self.endpoint.authority, self._options)
        else:
            channel = grpc.aio.secure_channel(
                self.endpoint.authority, grpc_channel.credentials(material), self._options
            )
        return Line.on(channel, material)

    async def _headers(self, more: Mapping[str, str], *, timeout_s: float) -> Mapping[str, str]:
        if self.access.token is None:
            return self.access.headers_with(more)  # without a timer
        with translated(self.endpoint, timeout_s=timeout_s):
            async with asyncio.timeout(timeout_s):
                return await self.access.async_headers_with(more)

    @contextmanager
    def _on_line(self, sent: Mapping[str, str], *, timeout_s: float) -> Iterator[Line]:
        """The line for a call with these headers, whose failures are translated.

        Raises:
            TriptychError: the call failed, or this transport is closed.
        """
        try:
            CALLS.enter(None)
            try:
                line = self._taken()
                try:
                    yield line
                finally:
                    self._give_back(line)
            finally:
                CALLS.leave()
        except Exception:
            with self._explained(sent, timeout_s=timeout_s):
                raise

    def _taken(self) -> Line:
        if self._closing.is_set():
            raise ValueError("closed")
        material = self.material()
        if self._line.material is not material:
            self._line, old = self._open(material), self._line
            self._lines.add(self._line)
            self._retire_if_idle(old)
        self._line.calls += 1
        return self._line

    def _give_back(self, line: Line) -> None:
        line.calls -= 1
        if line is not self._line:
            self._retire_if_idle(line)

    def _retire_if_idle(self, line: Line) -> None:
        if line.calls or line not in self._lines or self._closing.is_set():
            return
        self._lines.discard(line)
        closing = asyncio.create_task(line.channel.close())
        self._retired.add(closing)
        closing.add_done_callback(self._retired.discard)

    async def _answer_or_leave(self, line: Line, message: Any, timeout_s: float, metadata: Any) -> Any:
        """The answer; where there is none in time, leave the call to end by itself, for the server's sake.

        So does a caller that is cancelled.

        Raises:
            OverloadedError: too many calls were left before.
            TimeoutError: there is none in time.
            grpc.RpcError: the call failed.
        """
        self._check_left(len(self._left))
        sent = line.infer(message, timeout=timeout_s + grpc_channel.GRACE_S, metadata=metadata)
        call = asyncio.ensure_future(_answer(sent))
        try:
            await asyncio.wait({call}, timeout=timeout_s)
        finally:
            if not call.done():
                line.calls += 1
                self._left.add(call)
                CALLS.enter(None)
                call.add_done_callback(lambda ended: self._ended(ended, line))
        if not call.done():
            raise TimeoutError
        try:
            return call.result()
        finally:
            del call  # or it and its error's traceback would keep each other, and the sockets of a closed channel

    def _ended(self, call: asyncio.Task[Any], line: Line) -> None:
        CALLS.leave()
        self._left.discard(call)
        if not call.cancelled():
            call.exception()  # nobody else asks for it
        self._give_back(line)

    async def _ask_version(self, line: Line, metadata: Any) -> None:
        """Learn whether this server survives a cancellation."""
        ask = grpc_codec.METADATA.of(line.channel)
        CALLS.enter(None)
        try:
            answer = await _answer(ask(grpc_codec.METADATA_REQUEST, timeout=grpc_channel.VERSION_S, metadata=metadata))
        except grpc.RpcError:
            return  # one that does not tell is spared
        finally:
            CALLS.leave()
        self._cancels = grpc_codec.cancels_safely(answer.version)


def _is_cancelled() -> bool:
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


async def _answer(call: Any) -> Any:
    try:
        return await call
    except asyncio.CancelledError:
        # gRPC tells the loop of the call's end a moment later. Where the loop closed before, the next loop that uses
        # gRPC would fail on that, and might miss the events behind it.
        await asyncio.sleep(_LAST_WORDS_S)
        raise
