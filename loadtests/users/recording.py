"""The record of a run of Locust, as `triptych loadtest run` leaves one: `locust --record DIR`.

Workers send their samples to the master with Locust's own reports; who has no master writes them itself.
"""

import os
import sys
from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from itertools import count
from pathlib import Path
from typing import Any, Final

import gevent
from locust.env import Environment
from locust.runners import MasterRunner, WorkerRunner

from loadtests.profiles import Loop, Profile, Stage
from loadtests.records import GOOD, Ending, Outcome, RecordWriter, Run, Sample, masked, write_ending, write_run
from loadtests.statistics import statistics_of

from .fitting import fitting
from .shared import Shared, headers_of

STAGE: Final = "locust"
"""What samples of Locust's runs have as their stage."""

_WRITE_S: Final = 1.0
_SAMPLES: Final = "samples"  # in a worker's report
_UNLIMITED_S: Final = 86_400.0  # a stage has an end; a test without --run-time has none of its own


def listen(events: Any) -> None:
    """Take part in every test of this process."""
    events.init_command_line_parser.add_listener(_add_arguments)
    events.init.add_listener(_begin)


def _add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--record",
        default="",
        env_var="TRIPTYCH_LOADTEST_RECORD",
        include_in_web_ui=False,
        help="Folder for the record of the run, from which `triptych loadtest` makes reports",
    )
    parser.add_argument(
        "--statistics",
        action="append",
        metavar="URL",
        include_in_web_ui=False,
        help="Triton to ask for its own statistics, each of them; for a host that is an edge or a gateway",
    )
    parser.add_argument(
        "--header",
        action="append",
        metavar="NAME=VALUE",
        type=_header,
        include_in_web_ui=False,
        help="Of every request, as x-api-key=…",
    )


def _header(text: str) -> str:
    if not text.partition("=")[2]:
        raise ArgumentTypeError(f"{text!r} is no header; write NAME=VALUE")
    return text


def _begin(environment: Environment, **_: Any) -> None:
    options, events = environment.parsed_options, _untyped(environment)
    picked = bool(options and options.user_classes)
    environment.user_classes = list(fitting(environment.user_classes, host=environment.host, picked=picked))
    for each in environment.user_classes:
        if mix := getattr(each, "mix", None):
            Shared.of(environment).prepare(mix)
    folder = options.record if options else ""
    if isinstance(environment.runner, WorkerRunner):
        _Worker(environment)
    elif folder:
        _Recorder(environment, Path(folder))
    else:
        events.test_start.add_listener(lambda **_: Shared.of(environment).begin())


class _Worker:
    """Sends its samples to the master."""

    def __init__(self, environment: Environment) -> None:
        self._samples: list[Sample] = []
        self._shared = Shared.of(environment)
        events = _untyped(environment)
        events.test_start.add_listener(lambda **_: self._shared.begin())
        events.request.add_listener(lambda context, **_: self._samples.append(context["sample"]))
        events.report_to_master.add_listener(self._report)

    def _report(self, client_id: str, data: dict[str, Any]) -> None:  # noqa: ARG002  Locust's interface
        data[_SAMPLES], self._samples = self._samples, []


class _Recorder:
    """Writes the record, of this process's own users or of all workers'."""

    def __init__(self, environment: Environment, folder: Path) -> None:
        self._environment = environment
        self._asked_for = folder
        self._own: list[Sample] = []
        self._writers: dict[str, RecordWriter] = {}
        self._good = self._all = 0
        self._lost: set[str] = set()
        self._server_before: Mapping[str, object] = {}
        events = _untyped(environment)
        events.test_start.add_listener(self._start)
        events.test_stop.add_listener(self._stop)
        events.quitting.add_listener(self._quit)
        events.request.add_listener(lambda context, **_: self._own.append(context["sample"]))
        events.worker_report.add_listener(self._reported)

    def _start(self, **_: Any) -> None:
        self._folder = _free(self._asked_for)
        self._shared = Shared.of(self._environment)
        self._shared.begin()
        while self._writers:
            self._writers.popitem()[1].close()
        self._good = self._all = 0
        runner, options = self._environment.runner, self._environment.parsed_options
        seconds = float((options.run_time if options else 0) or _UNLIMITED_S)
        users = max(1, (runner.target_user_count if runner else 0) or (options.num_users if options else 0) or 1)
        stage = Stage(name=STAGE, seconds=seconds, load=Loop(users))
        write_run(
            self._folder,
            Run(
                profile=Profile(name=STAGE, summary="Users of Locust.", stages=(stage,)),
                urls=(self._environment.host or "",),
                protocol=",".join(sorted({str(getattr(each, "protocol", "")) for each in _classes(self._environment)})),
                seed=0,
                started_at=datetime.now(UTC).isoformat(timespec="seconds"),
                processes=max(1, len(runner.clients.all) if isinstance(runner, MasterRunner) else 1),
                version=version("triptych"),
                cores=os.cpu_count() or 0,
                command=masked(sys.argv),
            ),
        )
        self._server_before = self._statistics()
        self._writing = gevent.spawn(self._write_again_and_again)

    def _stop(self, **_: Any) -> None:
        self._writing.kill()
        self._look()
        self._conclude()

    def _conclude(self) -> None:
        outcome, reason = self._outcome()
        ending = Ending(
            outcome=outcome,
            reason=reason,
            seconds=round(self._shared.clock(), 3),
            server_before=self._server_before,
            server_after=self._statistics(),
        )
        write_ending(self._folder, ending)

    def _statistics(self) -> Mapping[str, object]:
        options = self._environment.parsed_options
        urls = (options.statistics if options else None) or [self._environment.host or ""]
        return statistics_of(urls, headers=headers_of(self._environment))

    def _quit(self, **_: Any) -> None:
        """The workers' last reports came after the test's end."""
        if self._writers:
            self._conclude()
        if self._lost:
            self._environment.process_exit_code = 1

    def _outcome(self) -> tuple[Outcome, str]:
        if self._lost:
            workers = "a worker was" if len(self._lost) == 1 else f"{len(self._lost)} workers were"
            return Outcome.WORKER_LOST, f"{workers} lost: {', '.join(sorted(self._lost))}"
        if self._all and not self._good:
            return Outcome.ONLY_ERRORS, f"not one of {self._all} requests was answered rightly"
        return Outcome.DONE, "the test came to its end"

    def _reported(self, client_id: str, data: Mapping[str, Any]) -> None:
        self._write(client_id, [Sample(*each) for each in data.get(_SAMPLES, ())])

    def _write_again_and_again(self) -> None:
        while True:
            gevent.sleep(_WRITE_S)
            self._look()

    def _look(self) -> None:
        own, self._own = self._own, []
        self._write("", own)
        runner = self._environment.runner
        if isinstance(runner, MasterRunner):
            self._lost |= {client.id for client in runner.clients.missing}

    def _write(self, client: str, samples: Sequence[Sample]) -> None:
        if not samples:
            return
        if client not in self._writers:
            self._writers[client] = RecordWriter(self._folder, len(self._writers))
        self._writers[client].write(samples)
        self._all += len(samples)
        self._good += sum(sample.code in GOOD for sample in samples)


def _untyped(environment: Environment) -> Any:
    """Its events, whose functions have no types."""
    return environment.events


def _classes(environment: Environment) -> Sequence[type]:
    return environment.user_classes


def _free(folder: Path) -> Path:
    """The folder, or, where it has a record of an earlier test of this process, the next of its name."""
    named = (folder if number == 1 else folder.with_name(f"{folder.name}-{number}") for number in count(1))
    return next(each for each in named if not (each / "run.json").exists())
