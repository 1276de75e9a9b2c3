"""gRPC transport of the asynchronous client."""

import asyncio
from collections.abc import Mapping
from typing import Any

import grpc.aio

from . import grpc_channel, grpc_codec
from .config import Resilience
from .endpoint import Endpoint
from .errors import OverloadedError
from .grpc_errors import translated
from .transport import InferRequest, InferResponse

_LAST_WORDS_S = 0.1


class AioGrpcTransport:
    """Triton's gRPC service at one endpoint, over one channel of the running event loop."""

    def __init__(self, endpoint: Endpoint, policy: Resilience | None = None) -> None:
        policy = policy or Resilience()
        self._endpoint = endpoint
        options, credentials = grpc_channel.options(endpoint, policy.keepalive), grpc_channel.credentials(endpoint)
        if credentials is None:
            self._channel = grpc.aio.insecure_channel(endpoint.authority, options)
        else:
            self._channel = grpc.aio.secure_channel(endpoint.authority, credentials, options)
        self._infer = grpc_codec.INFER.of(self._channel)
        self._config = grpc_codec.CONFIG.of(self._channel)
        self._left: set[asyncio.Task[Any]] = set()
        self._closing = asyncio.Event()
        self._cancels = policy.cancels
        self._version: asyncio.Task[None] | None = None

    async def infer(self, request: InferRequest) -> InferResponse:
        """Ask `image_classifier`."""
        message = grpc_codec.encode(request)
        if self._cancels is None and self._version is None:
            self._version = asyncio.create_task(self._ask_version())
        with translated(self._endpoint, timeout_s=request.timeout_s):
            if self._closing.is_set():
                raise ValueError("closed")
            try:
                if self._cancels:
                    answer = await self._infer(message, timeout=request.timeout_s)
                else:
                    answer = await self._answer_or_leave(message, request.timeout_s)
            except asyncio.CancelledError:
                if self._closing.is_set() and not _is_cancelled():  # the channel's word for a call that it closed under
                    raise ValueError("closed") from None
                raise
        return grpc_codec.decode(answer)

    async def parameters(self, *, timeout_s: float) -> Mapping[str, str]:
        """`parameters` of the ensemble's configuration."""
        with translated(self._endpoint, timeout_s=timeout_s):
            answer = await self._config(grpc_codec.CONFIG_REQUEST, timeout=timeout_s)
        return grpc_codec.parameters(answer)

    async def close(self) -> None:
        """Release the channel, after a while at most for calls that were left; a second call does nothing."""
        if self._closing.is_set():
            return
        self._closing.set()
        unfinished = self._left | ({self._version} if self._version else set())
        if unfinished:
            _, unfinished = await asyncio.wait(unfinished, timeout=grpc_channel.CLOSE_S)
        await self._channel.close()
        if unfinished:
            # gRPC tells the loop of each call's end a moment after the call itself; the loop must not end before.
            await asyncio.wait(unfinished)
            await asyncio.sleep(_LAST_WORDS_S)

    async def _answer_or_leave(self, message: Any, timeout_s: float) -> Any:
        """The answer; where there is none in time, leave the call to end by itself, for the server's sake.

        So does a caller that is cancelled.

        Raises:
            OverloadedError: too many calls were left before.
            TimeoutError: there is none in time.
            grpc.RpcError: the call failed.
        """
        if len(self._left) >= grpc_channel.MOST_ABANDONED:
            count = grpc_channel.MOST_ABANDONED
            raise OverloadedError(f"{self._endpoint} still works on {count} requests whose deadlines are over")
        call = asyncio.ensure_future(_answer(self._infer(message, timeout=timeout_s + grpc_channel.GRACE_S)))
        try:
            await asyncio.wait({call}, timeout=timeout_s)
        finally:
            if not call.done():
                self._left.add(call)
                call.add_done_callback(self._ended)
        if not call.done():
            raise TimeoutError
        return call.result()

    def _ended(self, call: asyncio.Task[Any]) -> None:
        self._left.discard(call)
        if not call.cancelled():
            call.exception()  # nobody else asks for it

    async def _ask_version(self) -> None:
        """Learn whether this server survives a cancellation."""
        try:
            answer = await grpc_codec.METADATA.of(self._channel)(
                grpc_codec.METADATA_REQUEST, timeout=grpc_channel.VERSION_S
            )
        except grpc.RpcError:
            return  # one that does not tell is spared
        self._cancels = grpc_codec.cancels_safely(answer.version)


def _is_cancelled() -> bool:
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


async def _answer(call: Any) -> Any:
    return await call
