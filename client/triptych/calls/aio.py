"""Drives the courses of calls in an event loop; shared by a client and its views."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field

from ..config import Resilience
from ..endpoint import Endpoint
from ..errors import TriptychError
from ..observing import Observers
from ..resilience.calling import Service
from ..resilience.course import Answered, Attempt, Course, Ended, Start
from ..transports import connections
from ..transports.access import Access
from ..transports.connections import LoopConnections
from ..transports.transport import AsyncTransport, InferRequest
from .answers import Reply
from .failures import of_attempt, of_call
from .sync import UNREADABLE


@dataclass(frozen=True, slots=True, kw_only=True)
class AioCalls:
    """For one event loop at a time. `clock`: seconds, monotonic."""

    service: Service
    connections: LoopConnections[AsyncTransport]
    observers: Observers
    clock: Callable[[], float]
    sleep: Callable[[float], Awaitable[None]]
    # Hedges under way; the loop itself holds no task.
    _sent: set[asyncio.Task[Ended[Reply]]] = field(default_factory=set, init=False, repr=False)

    async def answered(self, request: InferRequest, *, direct: bool = False) -> Answered[Reply]:
        """The answer to a request, after as many attempts as it takes. `direct` as for `Service.call`.

        Raises:
            TriptychError: there is none.
        """
        self.connections.check_open()
        self.connections.enter()
        course: Course[Reply] = self.service.call(timeout_s=request.timeout_s, direct=direct)
        if self.service.renames:
            for transport in self.connections.outlived(self.service.endpoints, self.clock()):
                await transport.close()

        async def send(attempt: Attempt) -> Ended[Reply]:
            try:
                with watching.attempt(attempt) as more:
                    sent = request.of_attempt(attempt.number, attempt.timeout_s, more)
                    response = await self.connections.to(attempt.endpoint).infer(sent)
                    sent.check_answered_by(response.request_id)
            except TriptychError as error:
                return self.service.ended(attempt, error=of_attempt(error, request, attempt))
            return self.service.ended(attempt, response=Reply(response, attempt.began, self.clock()))

        with self.observers.call(request, self.service.standing, direct=direct) as watching:
            try:
                return await (self._hedged(course, send) if self.service.hedges else self._in_turn(course, send))
            except TriptychError as error:
                of_call(error, request)
                raise

    async def parameters(self, endpoint: Endpoint, *, timeout_s: float) -> Mapping[str, str] | None:
        """Of the ensemble's configuration at one server; None where that hides it.

        Raises:
            TriptychError: it does not answer.
        """
        self.connections.enter()
        try:
            return await self.connections.to(endpoint).parameters(timeout_s=timeout_s)
        except UNREADABLE:
            return None

    async def close(self) -> None:
        """Release the connections; a second call does nothing."""
        self.connections.enter()
        for transport in self.connections.close():
            await transport.close()

    async def _in_turn(
        self, course: Course[Reply], send: Callable[[Attempt], Awaitable[Ended[Reply]]]
    ) -> Answered[Reply]:
        """Drive a course of one attempt at a time."""
        outcome: Ended[Reply] | None = None
        ended: Ended[Reply] | None = None
        try:
            while True:
                step = course.send(outcome)
                outcome = None
                if isinstance(step, Start):
                    ended = await send(step.attempt)
                elif ended is not None:
                    outcome, ended = ended, None
                else:
                    await self.sleep(max(0.0, step.until - self.clock()))
        except StopIteration as stop:
            answered: Answered[Reply] = stop.value
            return answered
        finally:
            del outcome  # as in `calling`: an error's traceback holds this frame

    async def _hedged(
        self, course: Course[Reply], send: Callable[[Attempt], Awaitable[Ended[Reply]]]
    ) -> Answered[Reply]:
        """Drive a course of several attempts at once, a task each; those that lose end at the call's deadline."""
        outcome: Ended[Reply] | None = None
        ended: asyncio.Queue[Ended[Reply]] = asyncio.Queue()

        async def sent(attempt: Attempt) -> Ended[Reply]:
            one = await send(attempt)
            ended.put_nowait(one)
            return one

        try:
            while True:
                step = course.send(outcome)
                outcome = None
                if isinstance(step, Start):
                    self._keep(asyncio.create_task(sent(step.attempt)))
                else:
                    try:
                        async with asyncio.timeout(max(0.0, step.until - self.clock())):
                            outcome = await ended.get()
                    except TimeoutError:
                        outcome = None
        except StopIteration as stop:
            answered: Answered[Reply] = stop.value
            return answered
        finally:
            del outcome  # as in `calling`: an error's traceback holds this frame

    def _keep(self, task: asyncio.Task[Ended[Reply]]) -> None:
        self._sent.add(task)
        task.add_done_callback(self._sent.discard)


def connector(
    endpoints: Sequence[Endpoint], policy: Resilience, access: Access
) -> Callable[[Endpoint], AsyncTransport]:
    """What connects to these, inside the event loop."""
    return connections.connector(endpoints, policy, access, grpc=_grpc, http=_http)


def _grpc() -> Callable[..., AsyncTransport]:
    from ..transports.aio_grpc_transport import AioGrpcTransport

    return AioGrpcTransport


def _http() -> Callable[..., AsyncTransport]:
    from ..transports.aio_http_transport import AioHttpTransport

    return AioHttpTransport
