"""What runs beside Triton in a pod, as processes of their own: `triptych edge` and `triptych probes`."""

import json
import signal
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from commands import TRIPTYCH, Serving, triptych
from triptych_ops.runtime import Ports

_TOLD_S = 20


@contextmanager
def running(*arguments: object) -> Iterator[None]:
    """`triptych ARGUMENTS…` from the line that says it listens until SIGTERM, at which it ends well."""
    command = [str(TRIPTYCH), *map(str, arguments)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        banner = process.stdout.readline()
        assert banner.startswith("listening on "), process.communicate(timeout=30)
        yield
    finally:
        process.send_signal(signal.SIGTERM)
        _, errors = process.communicate(timeout=30)
    assert (process.returncode, errors.splitlines()[-1]) == (0, "stopped")


def status_of(url: str) -> int:
    """The status of a GET."""
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            code: int = answer.status
            return code
    except urllib.error.HTTPError as error:
        return error.code


def await_status(url: str, wanted: int) -> None:
    deadline = time.monotonic() + _TOLD_S
    while (found := status_of(url)) != wanted:
        assert time.monotonic() < deadline, f"{url} is {found}, not {wanted}"
        time.sleep(0.1)


def test_an_edge_alone_lets_inference_through_and_nothing_else(serving: Serving, checkout: Path) -> None:
    own = Ports.free()
    behind = ("--http-port", serving.ports.http, "--grpc-port", serving.ports.grpc)
    photograph = checkout / "ops/triptych_ops/photographs/coffee.png"
    with running("edge", *behind, "--edge-http-port", own.http, "--edge-grpc-port", own.grpc):
        for url in (own.http_url, own.grpc_url):
            done = triptych("classify", photograph, "--url", url, "--json")
            assert json.loads(done.stdout)["predictions"][0]["label"] == "espresso", done.stderr
        assert status_of(f"{own.http_url}/v2/repository/index") == 404


def test_probes_tell_a_server_that_serves(serving: Serving) -> None:
    behind = ("--http-port", serving.ports.http, "--grpc-port", serving.ports.grpc)
    port = Ports.free().http
    with running("probes", "--port", port, *behind, "--metrics-port", serving.ports.metrics):
        await_status(f"http://127.0.0.1:{port}/readyz", 200)
        assert status_of(f"http://127.0.0.1:{port}/livez") == 200


def test_probes_tell_that_nothing_serves() -> None:
    nobody, port = Ports.free(), Ports.free().http
    behind = ("--http-port", nobody.http, "--grpc-port", nobody.grpc, "--metrics-port", nobody.metrics)
    with running("probes", "--port", port, *behind):
        assert status_of(f"http://127.0.0.1:{port}/readyz") == 503
        await_status(f"http://127.0.0.1:{port}/livez", 503)
        assert status_of(f"http://127.0.0.1:{port}/") == 200
