"""The limit: a release's pipeline in processes of its own, one a core, with no network between."""

import multiprocessing
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from types import TracebackType
from typing import Any

import psutil

from loadtests.release_pipeline import ReleasePipeline

from .load import Load
from .scenarios import LIMIT_OPENVINO, Scenario
from .server_process import ServerFailedError
from .triton_statistics import MemberTimes

_HEAD_START_S = 0.02  # for all processes to have their orders


@dataclass(frozen=True, slots=True)
class _Orders:
    pictures: str
    start: float  # time.monotonic() of all processes of this machine
    seconds: float


class InProcess:
    """A process a core, each with the whole pipeline on one thread. Use it as a context manager.

    With one connection one process works and the other cores idle; with more, all work.
    """

    def __init__(self, name: str, folder: Path, pictures: Mapping[str, Sequence[bytes]], *, cores: int) -> None:
        self.name = name
        self._folder = folder
        self._pictures = pictures
        self._cores = cores
        self._leaving = ExitStack()

    def __enter__(self) -> "InProcess":
        context = multiprocessing.get_context("spawn")
        self._workers: list[tuple[Connection, psutil.Process]] = []
        with ExitStack() as started:
            for _ in range(self._cores):
                ours, theirs = context.Pipe()
                started.callback(ours.close)
                process = context.Process(target=_work, args=(theirs,), daemon=True)
                process.start()
                started.callback(process.terminate)
                theirs.close()
                self._workers.append((ours, psutil.Process(process.pid)))
            # Not as arguments: a process that ends before it has read them leaves `start` waiting for ever.
            _exchange(self._workers, (self._folder, self._pictures, self.name == LIMIT_OPENVINO))
            self._leaving = started.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._leaving.close()

    def measure(self, scenario: Scenario, *, seconds: float) -> Load:
        """Classify for `seconds` on one core or on all."""
        workers = self._workers[: 1 if scenario.connections == 1 else None]
        orders = _Orders(scenario.pictures, time.monotonic() + _HEAD_START_S, seconds)
        answers: list[list[float]] = _exchange(workers, orders)
        per_s = sum(len(latencies_s) / sum(latencies_s) for latencies_s in answers)
        latencies = tuple(latency_s for latencies_s in answers for latency_s in latencies_s)
        return Load(per_s, latencies, {}, answers=len(latencies))

    def processes(self) -> list[psutil.Process]:
        """Those that work."""
        return [process for _, process in self._workers]

    def member_times(self) -> dict[str, MemberTimes]:
        """None: no Triton is in it."""
        return {}


def _exchange(workers: Sequence[tuple[Connection, psutil.Process]], message: object) -> list[Any]:
    """What each answers to a message."""
    try:
        for connection, _ in workers:
            connection.send(message)
        return [connection.recv() for connection, _ in workers]
    except (EOFError, OSError) as error:
        raise ServerFailedError("a process of the in-process limit ended; its error is above") from error


def _work(orders: Connection) -> None:
    folder, pictures, openvino = orders.recv()
    pipeline = ReleasePipeline(folder, openvino=openvino)
    for bodies in pictures.values():
        pipeline.classify(bodies[0])
    orders.send("loaded")
    while True:
        try:
            order: _Orders = orders.recv()
        except EOFError:
            return
        time.sleep(max(0.0, order.start - time.monotonic()))
        orders.send(_latencies(pipeline, pictures[order.pictures], seconds=order.seconds))


def _latencies(pipeline: ReleasePipeline, bodies: Sequence[bytes], *, seconds: float) -> list[float]:
    latencies_s: list[float] = []
    end = before = time.perf_counter()
    end += seconds
    while before < end:
        pipeline.classify(bodies[len(latencies_s) % len(bodies)])
        now = time.perf_counter()
        latencies_s.append(now - before)
        before = now
    return latencies_s
