"""Sends an open load until a command has ended, or for some time."""

import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from threading import Event
from typing import Final

from loadtests.engine import Plan, Progress, run
from loadtests.errors import NoCommandError
from loadtests.profiles import Arrivals, Profile, Stage
from loadtests.records import Ending

STAGE: Final = "rollout"


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """What rolls out.

    words:            the program and its arguments
    before_s, after_s: seconds of load before it starts, and after it has ended
    """

    words: Sequence[str]
    before_s: float = 3.0
    after_s: float = 3.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Driven:
    """How it went.

    status:  the command's exit status; None where there is none, or where it was never started
    in_time: whether it ended while there was load
    """

    ending: Ending
    status: int | None
    in_time: bool


def rollout_profile(per_s: float, seconds: float, objectives: Sequence[str] = ()) -> Profile:
    """Poisson arrivals, for so long at most."""
    stage = Stage(name=STAGE, seconds=seconds, load=Arrivals(per_s))
    return Profile(
        name=STAGE, summary="Load while a release is rolled out.", stages=(stage,), objectives=tuple(objectives)
    )


def drive(
    plan: Plan,
    command: Command | None,
    *,
    report: Callable[[Progress], None] = lambda _: None,
    stop: Event,
    statistics: Callable[[], Mapping[str, object]] = dict,
) -> Driven:
    """Run the plan's profile; with a command until it has ended.

    What it prints goes to stderr. Where the time is over first it is left to its end: a rollout is not to be cut off.

    Raises:
        NoCommandError: there is no such program.
        LoadTestError: as of `run`.
    """
    if command is None:
        return Driven(ending=run(plan, report=report, stop=stop, statistics=statistics), status=None, in_time=True)
    beside = _Beside(command, stop)

    def look(progress: Progress) -> None:
        report(progress)
        beside.look(progress.at_s)

    ending = run(plan, report=look, stop=stop, is_complete=lambda: beside.is_over, statistics=statistics)
    return Driven(ending=ending, status=beside.wait(), in_time=beside.is_over)


class _Beside:
    """The command beside the load."""

    def __init__(self, command: Command, stop: Event) -> None:
        program = shutil.which(command.words[0])
        if program is None:
            raise NoCommandError(f"{command.words[0]} is no program; name one that rolls out, after --")
        self._program = [program, *command.words[1:]]
        self._command = command
        self._stop = stop
        self._process: subprocess.Popen[bytes] | None = None
        self._ended_at_s: float | None = None
        self.is_over = False

    def look(self, at_s: float) -> None:
        """Start it, see it end, and end the load when it has."""
        if self._process is None:
            if at_s >= self._command.before_s:
                self._process = subprocess.Popen(self._program, stdin=subprocess.DEVNULL, stdout=sys.stderr.fileno())
        elif self._ended_at_s is None:
            self._ended_at_s = None if self._process.poll() is None else at_s
        elif at_s >= self._ended_at_s + self._command.after_s:
            self.is_over = True
            self._stop.set()

    def wait(self) -> int | None:
        """Its exit status, once it has ended; None where it was never started."""
        return self._process.wait() if self._process else None
