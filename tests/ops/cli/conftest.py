"""The command line inside this process: the function that the console script calls, in an empty folder."""

import json
import signal
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from triptych_ops.cli import run


@dataclass(frozen=True, slots=True)
class Done:
    """How a command ended."""

    status: int
    stdout: str
    stderr: str

    @property
    def document(self) -> dict[str, Any]:
        """What --json printed: one object on one line."""
        (line,) = self.stdout.splitlines()
        document: dict[str, Any] = json.loads(line)
        assert next(iter(document)) == "schema_version"
        return document


Command = Callable[..., Done]


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Iterator[Command]:
    """`triptych ARGUMENTS…`; a tenth of the time of a process of its own."""
    handlers = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGHUP)}
    (tmp_path / "cwd").mkdir()
    monkeypatch.chdir(tmp_path / "cwd")

    def ended(*arguments: object) -> Done:
        monkeypatch.setattr(sys, "argv", ["triptych", *map(str, arguments)])
        capsys.readouterr()
        try:
            status = run()
        except SystemExit as error:
            status = int(error.code or 0)
        return Done(status, *capsys.readouterr())

    yield ended
    for number, handler in handlers.items():
        signal.signal(number, handler)
