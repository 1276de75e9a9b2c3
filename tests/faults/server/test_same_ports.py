"""Case 49: of two servers that are started together on the same ports one serves, and the other refuses."""

import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from commands import TRIPTYCH
from triptych_ops.runtime import Ports

ROUNDS = 20
WITHIN_S = 90.0


def started(command: list[str], scratch: Path) -> subprocess.Popen[str]:
    scratch.mkdir(parents=True)
    return subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "TMPDIR": str(scratch)},
    )


def one_of_two(command: list[str], scratch: Path) -> tuple[str, str, int]:
    """The first line of the one that goes on, what the one that ended printed on stderr, and its exit status."""
    both = [started(command, scratch / name) for name in ("first", "second")]
    try:
        deadline = time.monotonic() + WITHIN_S
        while all(process.poll() is None for process in both) and time.monotonic() < deadline:
            time.sleep(0.05)
        ended = [process for process in both if process.poll() is not None]
        assert len(ended) == 1, [process.communicate(timeout=30) for process in ended]
        (winner,) = set(both) - set(ended)
        assert winner.stdout is not None
        line = winner.stdout.readline()
        out, errors = ended[0].communicate(timeout=30)
        assert out == "", "the one that refused said that it was ready"
        return line, errors, ended[0].returncode
    finally:
        for process in both:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
            process.communicate(timeout=30)


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("what", ["serve", "edge"])
def test_case_49_one_serves_and_the_other_names_the_port(store: Path, tmp_path: Path, what: str) -> None:
    ports, edge = Ports.free(), Ports.free()
    command = {
        "serve": [
            *(str(TRIPTYCH), "serve", "--store", str(store), "--http-port", str(ports.http)),
            *("--grpc-port", str(ports.grpc), "--metrics-port", str(ports.metrics)),
        ],
        "edge": [
            *(str(TRIPTYCH), "edge", "--http-port", str(ports.http), "--grpc-port", str(ports.grpc)),
            *("--edge-http-port", str(edge.http), "--edge-grpc-port", str(edge.grpc)),
        ],
    }[what]
    taken = {"serve": [ports.http, ports.grpc, ports.metrics], "edge": [edge.http, edge.grpc]}[what]
    rounds = [one_of_two(command, tmp_path / str(number)) for number in range(ROUNDS)]
    for line, errors, status in rounds:
        assert line.startswith("ready" if what == "serve" else "listening")
        assert status == 1
        assert any(f"port {port} is in use" in errors for port in taken), errors
    print(f"case 49: two `{what}` on the same ports, {ROUNDS} times: one served, the other named the port, never ready")
