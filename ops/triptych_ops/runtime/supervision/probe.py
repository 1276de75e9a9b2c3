"""Asks the server the known question, again and again, in a thread of its own."""

import threading
from collections.abc import Mapping
from queue import Empty, SimpleQueue
from types import TracebackType

from triptych import Client, Health, contract

from ..ports import Ports
from .judgement import Answer, Outcome
from .progress import Progress, read_progress

_INTERVAL_S = 3.0  # under one hundredth of a core
_SOON_S = 0.5  # to the first, which says how fast a warm server is, and after one that failed
_LEAST_PATIENCE_S = 3.0


def patience_s(fastest_s: float) -> float:
    """How long a probe may take: as two of the largest batches before it, at the speed of the fastest answer."""
    return max(_LEAST_PATIENCE_S, 2 * contract.MAX_BATCH_SIZE * fastest_s)


class Probe:
    """Classifications of the built-in image while it is entered, over gRPC and over HTTP in turn.

    fastest_s: what an answer took until now
    """

    def __init__(self, ports: Ports, *, fastest_s: float) -> None:
        self._ports = ports
        self._answers: SimpleQueue[Answer] = SimpleQueue()
        self._ended = threading.Event()
        # A daemon: it may wait for a server that hangs. It closes its connections itself, since an RPC that is
        # cancelled can crash this Triton.
        self._thread = threading.Thread(target=self._run, name="probe", daemon=True)
        self.fastest_s = fastest_s

    def __enter__(self) -> "Probe":
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._ended.set()

    def answers(self) -> tuple[Answer, ...]:
        """Those of the probes that ended since the last call, in order."""
        taken: list[Answer] = []
        while True:
            try:
                taken.append(self._answers.get_nowait())
            except Empty:
                return tuple(taken)

    def _run(self) -> None:
        with Client(self._ports.grpc_url) as grpc, Client(self._ports.http_url) as http:
            clients, turn, wait_s = (grpc, http), 0, _SOON_S
            while not self._ended.wait(wait_s):
                answer = self._ask(clients[turn])
                self._answers.put(answer)
                wait_s = _SOON_S
                if answer.outcome is Outcome.RIGHT:  # after a failure, the same again
                    turn, wait_s = 1 - turn, _INTERVAL_S

    def _ask(self, client: Client) -> Answer:
        try:
            state = client.health(timeout_s=patience_s(self.fastest_s))
        except Exception as error:  # a thread that ended would leave the server unwatched
            return Answer(Outcome.UNANSWERED, f"{type(error).__name__}: {error}", self._progress())
        if state.ok:
            self.fastest_s = min(self.fastest_s, state.elapsed_s)
            return Answer(Outcome.RIGHT, state.reason)
        return Answer(_outcome(state), state.reason, self._progress())

    def _progress(self) -> Mapping[str, Progress] | None:
        return read_progress(self._ports.metrics_url)


def _outcome(state: Health) -> Outcome:
    return Outcome.WRONG if state.answered else Outcome.UNANSWERED
