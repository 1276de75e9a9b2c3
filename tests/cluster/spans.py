"""A real collector of OpenTelemetry on this machine, which pods reach, and what it got."""

import json
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from socket import create_connection, create_server

from cluster.addresses import MACHINE
from cluster.errors import ClusterError
from otlp import Span, spans_of

_START_S = 20


@dataclass(frozen=True, slots=True)
class Collector:
    """Its address, and the file that it writes."""

    url: str
    file: Path

    def until(self, enough: Callable[[list[Span]], bool], *, within_s: float) -> list[Span]:
        """The spans, as soon as there are enough, or all that came within the time."""
        deadline = time.monotonic() + within_s
        while not enough(found := self._spans()) and time.monotonic() < deadline:
            time.sleep(0.2)
        return found

    def _spans(self) -> list[Span]:
        whole, _, _ = self.file.read_text(encoding="utf-8").rpartition("\n")
        return [span for line in whole.splitlines() for span in spans_of(json.loads(line))]


@contextmanager
def collector(binary: Path, folder: Path) -> Iterator[Collector]:
    """Start it with its files in `folder`, wait until it listens, stop it at the end.

    Raises:
        ClusterError: it did not start
    """
    with create_server((MACHINE, 0)) as free:
        port = free.getsockname()[1]
    configuration = {
        "receivers": {"otlp": {"protocols": {"http": {"endpoint": f"{MACHINE}:{port}"}}}},
        "exporters": {"lines": {}},
        "service": {
            "telemetry": {"metrics": {"level": "none"}},
            "pipelines": {"traces": {"receivers": ["otlp"], "exporters": ["lines"]}},
        },
    }
    file, log = folder / "collector.json", folder / "collector.log"
    file.write_text(json.dumps(configuration), encoding="utf-8")
    got = folder / "spans.jsonl"
    with got.open("wb") as output, log.open("wb") as errors:
        process = subprocess.Popen([binary, "--config", file], stdout=output, stderr=errors)
    try:
        _wait_listening(port, process, log)
        yield Collector(f"http://{MACHINE}:{port}", got)
    finally:
        process.terminate()
        process.wait()


def _wait_listening(port: int, process: "subprocess.Popen[bytes]", log: Path) -> None:
    deadline = time.monotonic() + _START_S
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with create_connection((MACHINE, port), timeout=1):
                return
        except OSError:
            time.sleep(0.1)
    raise ClusterError(f"the collector did not start:\n{log.read_text(errors='replace')[-2000:]}")
