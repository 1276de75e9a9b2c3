"""Keeps a server serving: watches, replaces, reports."""

import random
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from triptych import TriptychError
from triptych_ops.errors import OpsError, RefusedError

from ..server import READY_TIMEOUT_S, Server
from .judgement import Limits, Look, Suspicion, judge
from .probe import Probe, patience_s
from .processes import Processes
from .restarts import RestartPolicy, Restarts

_LOOK_S = 0.5  # between two looks, each a few reads of /proc


class Part(Protocol):
    """Something beside the server that has to run as well."""

    @property
    def name(self) -> str:
        """What people call it, as in "the edge"."""

    def check_alive(self) -> None:
        """Do nothing while it runs.

        Raises:
            OpsError: it does not; the message is a sentence.
        """

    def restart(self) -> None:
        """Start it anew, whatever state it is in.

        Raises:
            OpsError: it cannot be started now.
        """


class Supervisor:
    """Watches a server that is ready, with its parts, and replaces what fails.

    report:          takes each event, a line for people
    ready_timeout_s: what a replacement gets to its first right answer
    policy:          how soon it is replaced again, and when to give up

    A server is replaced as a whole, with all of its stubs: Triton takes no new stub. Until the replacement gives the
    known answer its ports are closed, or refuse.
    """

    def __init__(
        self,
        server: Server,
        *,
        parts: Sequence[Part] = (),
        report: Callable[[str], None],
        ready_timeout_s: float = READY_TIMEOUT_S,
        policy: RestartPolicy | None = None,
        draw: Callable[[], float] = random.random,
    ) -> None:
        self._server = server
        self._parts = [_Watched(part, Restarts(policy or RestartPolicy())) for part in parts]
        self._report = report
        self._ready_timeout_s = ready_timeout_s
        self._restarts = Restarts(policy or RestartPolicy())
        self._draw = draw

    def run(self, stop: threading.Event, *, fastest_s: float) -> None:
        """Return once `stop` is set. Call it in the thread that entered the server.

        fastest_s: what the server took for an answer; slow ones get more patience

        Raises:
            RefusedError: the replacement of a server does not give the known answer either, or what it is to
                serve is refused now.
            OpsError: replacements go on to fail; the message has the last reason.
        """
        while not stop.is_set():
            fault, fastest_s = self._watch(stop, fastest_s)
            if fault is not None:
                self._replace(fault, stop)

    def _watch(self, stop: threading.Event, fastest_s: float) -> tuple[str | None, float]:
        """What is wrong with the server, None when `stop` was set; and its fastest answer."""
        processes, suspicion = Processes(self._server.pid), Suspicion()
        with Probe(self._server.ports, fastest_s=fastest_s) as probe:
            while not stop.wait(_LOOK_S):
                for part in self._parts:
                    part.look(self._report, self._draw)
                self._server.bound_log()
                try:
                    self._server.check_alive()
                except OpsError as error:
                    return str(error), probe.fastest_s
                limits = Limits(unanswered_s=patience_s(probe.fastest_s))
                look = Look(time.monotonic(), processes.look(), probe.answers())
                suspicion, fault = judge(suspicion, look, limits)
                if fault is not None:
                    return fault, probe.fastest_s
        return None, probe.fastest_s

    def _replace(self, fault: str, stop: threading.Event) -> None:
        began_s = time.monotonic()
        self._server.end()
        while True:
            delay_s = _delay(self._restarts, "the server", fault, self._draw)
            self._report(f"{fault}; replacing the server{_in(delay_s)}")
            if stop.wait(delay_s):
                return
            self._restarts = self._restarts.begin(time.monotonic())
            try:
                self._server.restart()
                self._server.wait_ready(timeout_s=self._ready_timeout_s, cancelled=stop.is_set)
                break
            except RefusedError:
                raise
            except (TriptychError, OSError) as error:
                self._server.end()
                fault = f"it does not come back: {error}"
        if not stop.is_set():
            self._restarts = self._restarts.served()
            self._report(f"serving again after {time.monotonic() - began_s:.1f} s")


@dataclass(slots=True)
class _Watched:
    """A part, and when it is to be started anew; None while it runs."""

    part: Part
    restarts: Restarts
    due_s: float | None = None

    def look(self, report: Callable[[str], None], draw: Callable[[], float]) -> None:
        """Check it, or start it anew once it is due."""
        try:
            if self.due_s is None:
                self.part.check_alive()
            elif self.due_s <= time.monotonic():
                self.restarts = self.restarts.begin(time.monotonic())
                self.part.restart()
                self.restarts = self.restarts.served()
                self.due_s = None
                report(f"{self.part.name} runs again")
        except OpsError as error:
            delay_s = _delay(self.restarts, self.part.name, str(error), draw)
            self.due_s = time.monotonic() + delay_s
            report(f"{error}; replacing {self.part.name}{_in(delay_s)}")


def _delay(restarts: Restarts, what: str, fault: str, draw: Callable[[], float]) -> float:
    now_s = time.monotonic()
    if restarts.exhausted(now_s):
        raise OpsError(f"{what} was replaced {restarts.policy.limit} times and goes on to fail, the last time: {fault}")
    return restarts.delay_s(now_s, draw=draw())


def _in(delay_s: float) -> str:
    return f" in {delay_s:.1f} s" if delay_s else ""
