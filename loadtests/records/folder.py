"""The folder of a run: written while it runs, read afterwards."""

import csv
import dataclasses
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, TypeVar

from loadtests.errors import RecordError, TakenError
from loadtests.profiles.profile import Profile

from .ending import Ending, Outcome
from .pulse import Pulse
from .sample import Sample

SCHEMA_VERSION: Final = 1

_RUN, _ENDING, _SAMPLES, _PULSES = "run.json", "ending.json", "samples-{}.csv", "pulses-{}.csv"

Line = TypeVar("Line", Sample, Pulse)


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What was run, known before the first request.

    urls:       of the servers
    protocol:   `grpc`, `http` or `rest`
    seed:       of arrivals and pictures
    started_at: ISO 8601, UTC
    processes:  generator processes
    pictures:   name -> share of the requests
    version:    of Triptych
    cores:      of the machine that the generator ran on
    command:    the command line that ran it, without secrets (`command.masked`); empty in records of older versions
    """

    profile: Profile
    urls: tuple[str, ...]
    protocol: str
    seed: int
    started_at: str
    processes: int = 1
    pictures: Mapping[str, float] = field(default_factory=dict)
    version: str = ""
    cores: int = 0
    command: tuple[str, ...] = ()

    def document(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "schema_version": SCHEMA_VERSION,
            "profile": self.profile.document(),
            "urls": list(self.urls),
            "protocol": self.protocol,
            "seed": self.seed,
            "started_at": self.started_at,
            "processes": self.processes,
            "pictures": dict(self.pictures),
            "version": self.version,
            "cores": self.cores,
            "command": list(self.command),
        }

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> "Run":
        """The inverse of `document`."""
        return cls(
            profile=Profile.from_document(document["profile"]),
            urls=tuple(document["urls"]),
            command=tuple(document.get("command", ())),
            **{name: document[name] for name in _PLAIN},
        )


_PLAIN = ("protocol", "seed", "started_at", "processes", "pictures", "version", "cores")


@dataclass(frozen=True, slots=True)
class StoredRun:
    """All of a run. Samples are in the order of their intended times.

    ending: None where the run was killed
    pulses: process -> its seconds
    """

    run: Run
    samples: Sequence[Sample]
    pulses: Mapping[int, Sequence[Pulse]]
    ending: Ending | None


def write_run(folder: Path, run: Run) -> None:
    """Begin a record in `folder`, which is made.

    Raises:
        TakenError: it holds a record already.
        OSError: it cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if (folder / _RUN).exists():
        raise TakenError(f"{folder} holds the record of an earlier run; name another folder, or remove it")
    (folder / _RUN).write_text(json.dumps(run.document(), indent=1) + "\n")


def write_ending(folder: Path, ending: Ending) -> None:
    """Say how the run ended."""
    document = {"schema_version": SCHEMA_VERSION, **dataclasses.asdict(ending)}
    (folder / _ENDING).write_text(json.dumps(document, indent=1) + "\n")


class RecordWriter:
    """Appends what one generator process sees; a context manager. Lines reach the file with `flush`."""

    def __init__(self, folder: Path, process: int) -> None:
        self._samples = (folder / _SAMPLES.format(process)).open("a", newline="")
        self._pulses = (folder / _PULSES.format(process)).open("a", newline="")
        self._sample = csv.writer(self._samples, lineterminator="\n").writerow
        self._pulse = csv.writer(self._pulses, lineterminator="\n").writerow
        for file, write, kind in ((self._samples, self._sample, Sample), (self._pulses, self._pulse, Pulse)):
            if not file.tell():
                write(kind._fields)

    def __enter__(self) -> "RecordWriter":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the files."""
        self._samples.close()
        self._pulses.close()

    def write(self, samples: Iterable[Sample], pulse: Pulse | None = None) -> None:
        """Append them, and see to it that a kill of this process does not lose them."""
        for sample in samples:
            self._sample((*sample[:7], f"{sample.intended_s:.6f}", f"{sample.sent_s:.6f}", f"{sample.done_s:.6f}"))
        self._samples.flush()
        if pulse is not None:
            self._pulse((*(f"{value:.6f}" for value in pulse[:4]), *pulse[4:]))
            self._pulses.flush()


def read(folder: Path) -> StoredRun:
    """The record in `folder`, whole or as far as it came.

    Raises:
        RecordError: there is none, or it cannot be read.
    """
    try:
        run = Run.from_document(_json(folder / _RUN))
        ending = _ending(_json(folder / _ENDING)) if (folder / _ENDING).exists() else None
        files = sorted(folder.glob(_SAMPLES.format("*")))
        samples = [line for file in files for line in _lines(file, Sample)]
        pulses = {_process(file): list(_lines(file, Pulse)) for file in sorted(folder.glob(_PULSES.format("*")))}
    except FileNotFoundError as error:
        raise RecordError(f"{folder} holds no record of a load test: {_RUN} is missing") from error
    except (ValueError, KeyError, TypeError, OSError) as error:
        reason = getattr(error, "strerror", None) or error
        raise RecordError(f"{folder} holds no readable record of a load test: {reason}") from error
    return StoredRun(run, sorted(samples, key=lambda sample: sample.intended_s), pulses, ending)


def _json(path: Path) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(path.read_text())
    return document


def _ending(document: Mapping[str, Any]) -> Ending:
    given = {each.name: document[each.name] for each in dataclasses.fields(Ending)}
    return Ending(**{**given, "outcome": Outcome(document["outcome"])})


def _process(file: Path) -> int:
    return int(file.stem.rpartition("-")[2])


def _lines(file: Path, kind: type[Line]) -> Iterator[Line]:
    """The whole lines of a file; a last one without its end was being written when the run was killed.

    The first line names the columns; files of older versions have none.
    """
    types = [kind.__annotations__[name] for name in kind._fields]
    with file.open(newline="") as opened:
        whole = (line for line in opened if line.endswith("\n"))
        for number, row in enumerate(csv.reader(whole)):
            if number == 0 and tuple(row) == kind._fields:
                continue
            yield kind(*(convert(value) for convert, value in zip(types, row, strict=True)))
