"""CPU time, memory, descriptors and import time of the SDK, against clients written by hand: `make bench`.

The server runs in a process of its own and answers at once, so that what is counted is the client's.
"""

import asyncio
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.comparison import Line, seconds
from benchmarks.raw_clients import RawAsyncGrpc, RawAsyncHttp, RawGrpc, RawHttp
from triptych import AsyncClient, Client

MOST = 1.15  # of what a client written by hand takes
TURNS = 40
CALLS = 40  # in a turn
WARM_CALLS = 100
IMPORT_S = 0.5
NOISE_BYTES = 4_000_000  # what an allocator keeps, more or less
MOST_IDLE = 64  # connections that the SDK keeps open over HTTP
IMAGE = os.urandom(60_000)  # a photograph of half a megapixel

_SERVER = """
import sys
from triptych.testing import FakeServer

with FakeServer(version=sys.argv[1]) as server:
    print(server.grpc_url, server.http_url, flush=True)
    sys.stdin.read()
"""
_MODERN, _OLD = "2.70.0", "2.51.0"  # the second does not survive the cancellation of a request


@dataclass(frozen=True, slots=True)
class Server:
    """Where it is asked: `HOST:PORT` of each protocol."""

    grpc: str
    http: str


def main() -> int:
    """Print the table; 0 when every line passed."""
    lines: list[Line] = []
    with _server(_MODERN) as server:
        lines += [
            _sync_cpu("CPU of a call over gRPC", Client(f"grpc://{server.grpc}"), RawGrpc(server.grpc)),
            _sync_cpu("CPU of a call over HTTP", Client(f"http://{server.http}"), RawHttp(server.http)),
            *asyncio.run(_async_cpu(server)),
            *_footprints(server),
        ]
    with _server(_OLD) as server:
        what = f"CPU of a call over gRPC, Triton {_OLD}"
        lines.append(_sync_cpu(what, Client(f"grpc://{server.grpc}"), RawGrpc(server.grpc)))
    lines.append(_import_time())
    print("\n".join(map(str, lines)))
    return 0 if all(line.passed for line in lines) else 1


@contextmanager
def _server(version: str) -> Iterator[Server]:
    command = [sys.executable, "-c", _SERVER, version]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        yield Server(*(url.partition("://")[2] for url in process.stdout.readline().split()))
        process.stdin.close()


def _sync_cpu(what: str, ours: Any, theirs: Any) -> Line:
    def turn(client: Any, calls: int) -> float:
        began = time.process_time()
        for _ in range(calls):
            client.classify(IMAGE)
        return (time.process_time() - began) / calls

    for client in (ours, theirs):
        turn(client, WARM_CALLS)
    pairs = [_pair(number, lambda: turn(ours, CALLS), lambda: turn(theirs, CALLS)) for number in range(TURNS)]
    ours.close()
    theirs.close()
    return _cpu_line(what, pairs)


async def _async_cpu(server: Server) -> list[Line]:
    async def turn(client: Any, calls: int) -> float:
        began = time.process_time()
        for _ in range(calls):
            await client.classify(IMAGE)
        return (time.process_time() - began) / calls

    lines = []
    clients: list[tuple[str, Any, Any]] = [
        ("gRPC", AsyncClient(f"grpc://{server.grpc}"), RawAsyncGrpc(server.grpc)),
        ("HTTP", AsyncClient(f"http://{server.http}"), RawAsyncHttp(server.http)),
    ]
    for protocol, ours, theirs in clients:
        pairs = []
        for client in (ours, theirs):
            await turn(client, WARM_CALLS)
        for number in range(TURNS):
            both = {}
            for name, client in sorted({"ours": ours, "theirs": theirs}.items(), reverse=bool(number % 2)):
                both[name] = await turn(client, CALLS)
            pairs.append((both["ours"], both["theirs"]))
        await ours.close()
        await theirs.close()
        lines.append(_cpu_line(f"CPU of an asynchronous call over {protocol}", pairs))
    return lines


def _pair(number: int, ours: Callable[[], float], theirs: Callable[[], float]) -> tuple[float, float]:
    """Both, one after the other, every second time the other one first."""
    if number % 2:
        later = theirs()
        return ours(), later
    return ours(), theirs()


def _cpu_line(what: str, pairs: list[tuple[float, float]]) -> Line:
    ratio = statistics.median(ours / theirs for ours, theirs in pairs)
    own, other = (statistics.median(column) * 1e6 for column in zip(*pairs, strict=True))
    return Line(what, f"{ratio:.2f} x ({own:.0f} of {other:.0f} us)", f"<= {MOST:g} x", ratio <= MOST)


def _footprints(server: Server) -> Iterator[Line]:
    for name, words in (("threads", "64 threads"), ("tasks", "1,000 calls at once")):
        for protocol in ("grpc", "http"):
            ours, theirs = (_footprint(f"{name}-{protocol}-{client}", server) for client in ("sdk", "raw"))
            figure = f"{ours['bytes'] / 1e6:.0f} of {theirs['bytes'] / 1e6:.0f} MB"
            most_bytes = MOST * theirs["bytes"] + NOISE_BYTES
            bound = f"<= {most_bytes / 1e6:.0f} MB"
            yield Line(f"memory of {words} over {protocol}", figure, bound, ours["bytes"] <= most_bytes)
            most = max(MOST_IDLE if protocol == "http" else 0, theirs["second"])
            figure = f"{ours['first']}, then {ours['second']}"
            yield Line(f"descriptors after {words} over {protocol}", figure, f"<= {most}", ours["second"] <= most)


def _footprint(kind: str, server: Server) -> dict[str, int]:
    command = [sys.executable, str(Path(__file__).with_name("footprint.py")), kind, server.grpc, server.http]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
    figures: dict[str, int] = json.loads(done.stdout)
    return figures


def _import_time() -> Line:
    def started(statement: str) -> float:
        return seconds(lambda: subprocess.run([sys.executable, "-c", statement], check=True))

    extra_s = statistics.median(started("import triptych") - started("pass") for _ in range(7))
    return Line("import triptych", f"{extra_s:.2f} s", f"< {IMPORT_S:g} s", extra_s < IMPORT_S)


if __name__ == "__main__":
    sys.exit(main())
