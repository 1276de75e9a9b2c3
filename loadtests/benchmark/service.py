"""A contestant's server at work: started, asked, stopped."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from types import TracebackType

import psutil

from loadtests.release_pipeline import RELEASE_VARIABLE

from .closed_loop import StuckError, run_closed_loop
from .contestants import Contestant
from .http_messages import MalformedAnswerError, post
from .load import Load, Question
from .releases import ReleaseFolder
from .scenarios import Scenario
from .server_process import ServerProcess, free_ports
from .triton_statistics import MemberTimes, member_times


class Service:
    """A contestant's server, answering rightly once entered.

    right: pictures -> the right classes of each
    """

    def __init__(
        self,
        contestant: Contestant,
        release: ReleaseFolder,
        pictures: Mapping[str, Sequence[bytes]],
        right: Mapping[str, Sequence[frozenset[int]]],
        *,
        cores: int,
    ) -> None:
        self.name = contestant.name
        self._contestant = contestant
        self._questions = {
            name: [
                Question(post(contestant.path, body, headers=contestant.headers), classes)
                for body, classes in zip(bodies, right[name], strict=True)
            ]
            for name, bodies in pictures.items()
        }
        (port,) = free_ports(1)
        command = contestant.command(release, port, cores)
        self._server = ServerProcess(self.name, command, port=port, env={RELEASE_VARIABLE: str(release.folder)})
        self.start_s = 0.0

    def __enter__(self) -> "Service":
        self._server.__enter__()
        try:
            first = next(iter(self._questions.values()))[0]
            self.start_s = self._server.wait_true_answer(first, self._contestant.read_class)
        except BaseException:
            self._server.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._server.__exit__(kind, error, traceback)

    def measure(self, scenario: Scenario, *, seconds: float) -> Load:
        """One closed loop; a server that stops to answer has an error, and no answers."""
        try:
            return run_closed_loop(
                self._server.address,
                self._questions[scenario.pictures],
                self._contestant.read_class,
                connections=scenario.connections,
                seconds=seconds,
            )
        except (StuckError, OSError) as error:
            return Load(0.0, (), {str(error): 1}, answers=0)

    def processes(self) -> list[psutil.Process]:
        """All of the server's."""
        return self._server.processes()

    def member_times(self) -> dict[str, MemberTimes]:
        """Of Triton's members since the start; empty where the server is none, or does not tell."""
        with suppress(OSError, ValueError, LookupError, MalformedAnswerError):
            return member_times(self._server.address) if self._contestant.tells_members else {}
        return {}
