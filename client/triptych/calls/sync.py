"""Drives the courses of calls with sockets and threads; shared by a client and its views."""

import queue
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from ..config import Resilience
from ..endpoint import Endpoint
from ..errors import NotFoundError, PermissionDeniedError, ProtocolError, TriptychError
from ..observing import Observers
from ..resilience.calling import Service
from ..resilience.course import Answered, Attempt, Course, Ended, Start
from ..transports import connections
from ..transports.access import Access
from ..transports.connections import Connections
from ..transports.transport import InferRequest, InvalidArgumentError, Transport
from .answers import Reply
from .failures import of_attempt, of_call

UNREADABLE: Final = (PermissionDeniedError, NotFoundError, ProtocolError, InvalidArgumentError)
"""What the configuration ends with at an edge that lets only inference in: refused, hidden or unknown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Calls:
    """Thread-safe. `clock`: seconds, monotonic."""

    service: Service
    connections: Connections[Transport]
    observers: Observers
    clock: Callable[[], float]
    sleep: Callable[[float], None]

    def answered(self, request: InferRequest, *, direct: bool = False) -> Answered[Reply]:
        """The answer to a request, after as many attempts as it takes. `direct` as for `Service.call`.

        Raises:
            TriptychError: there is none.
        """
        self.connections.check_open()
        course: Course[Reply] = self.service.call(timeout_s=request.timeout_s, direct=direct)
        if self.service.renames:
            for transport in self.connections.outlived(self.service.endpoints, self.clock()):
                transport.close()

        def send(attempt: Attempt) -> Ended[Reply]:
            try:
                with watching.attempt(attempt) as more:
                    sent = request.of_attempt(attempt.number, attempt.timeout_s, more)
                    response = self.connections.to(attempt.endpoint).infer(sent)
                    sent.check_answered_by(response.request_id)
            except TriptychError as error:
                return self.service.ended(attempt, error=of_attempt(error, request, attempt))
            return self.service.ended(attempt, response=Reply(response, attempt.began, self.clock()))

        with self.observers.call(request, self.service.standing, direct=direct) as watching:
            try:
                return self._hedged(course, send) if self.service.hedges else self._in_turn(course, send)
            except TriptychError as error:
                of_call(error, request)
                raise

    def parameters(self, endpoint: Endpoint, *, timeout_s: float) -> Mapping[str, str] | None:
        """Of the ensemble's configuration at one server; None where that hides it.

        Raises:
            TriptychError: it does not answer.
        """
        try:
            return self.connections.to(endpoint).parameters(timeout_s=timeout_s)
        except UNREADABLE:
            return None

    def close(self) -> None:
        """Release the connections; a second call does nothing."""
        for transport in self.connections.close():
            transport.close()

    def _in_turn(self, course: Course[Reply], send: Callable[[Attempt], Ended[Reply]]) -> Answered[Reply]:
        """Drive a course of one attempt at a time, in this thread."""
        outcome: Ended[Reply] | None = None
        ended: Ended[Reply] | None = None
        try:
            while True:
                step = course.send(outcome)
                outcome = None
                if isinstance(step, Start):
                    ended = send(step.attempt)
                elif ended is not None:
                    outcome, ended = ended, None
                else:
                    self.sleep(max(0.0, step.until - self.clock()))
        except StopIteration as stop:
            answered: Answered[Reply] = stop.value
            return answered
        finally:
            del outcome  # as in `calling`: an error's traceback holds this frame

    def _hedged(self, course: Course[Reply], send: Callable[[Attempt], Ended[Reply]]) -> Answered[Reply]:
        """Drive a course of several attempts at once, a thread each; those that lose end at the call's deadline."""
        outcome: Ended[Reply] | None = None
        ended: queue.SimpleQueue[Ended[Reply]] = queue.SimpleQueue()
        try:
            while True:
                step = course.send(outcome)
                outcome = None
                if isinstance(step, Start):
                    attempt = step.attempt
                    threading.Thread(target=lambda sent=attempt: ended.put(send(sent)), daemon=True).start()
                else:
                    try:
                        outcome = ended.get(timeout=max(0.0, step.until - self.clock()))
                    except queue.Empty:
                        outcome = None
        except StopIteration as stop:
            answered: Answered[Reply] = stop.value
            return answered
        finally:
            del outcome  # as in `calling`: an error's traceback holds this frame


def connector(endpoints: Sequence[Endpoint], policy: Resilience, access: Access) -> Callable[[Endpoint], Transport]:
    """What connects to these."""
    return connections.connector(endpoints, policy, access, grpc=_grpc, http=_http)


def _grpc() -> Callable[..., Transport]:
    from ..transports.grpc_transport import GrpcTransport

    return GrpcTransport


def _http() -> Callable[..., Transport]:
    from ..transports.http_transport import HttpTransport

    return HttpTransport
