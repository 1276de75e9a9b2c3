"""Who is called over HTTP, as a table: each by its command, and how to ask it."""

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from triptych import contract

from .answers import read_json, read_triton
from .load import ReadClass
from .releases import TRIPTYCH, ReleaseFolder
from .scenarios import FP32, INT8
from .server_process import LOOPBACK, free_ports

Command = Callable[[ReleaseFolder, int, int], list[str]]
"""(release, HTTP port, cores) -> the command line of a server."""


@dataclass(frozen=True, slots=True)
class Contestant:
    """A server that is measured."""

    name: str
    precision: str
    command: Command
    path: str
    read_class: ReadClass
    headers: Mapping[str, str] = field(default_factory=dict)
    starts: int = 1  # times that its start is measured
    tells_members: bool = False  # Triton's own statistics


def _flask(_release: ReleaseFolder, port: int, cores: int) -> list[str]:
    workers = ("--worker-class", "gthread", "--workers", str(cores), "--threads", "1")
    options = ("--bind", f"{LOOPBACK}:{port}", "--log-level", "warning")
    return [sys.executable, "-m", "gunicorn", *workers, *options, "loadtests.peers.flask_app:app"]


def _fastapi(_release: ReleaseFolder, port: int, cores: int) -> list[str]:
    options = ("--workers", str(cores), "--port", str(port), "--no-access-log", "--log-level", "warning")
    return [sys.executable, "-m", "uvicorn", *options, "loadtests.peers.fastapi_app:app"]


def _litserve(_release: ReleaseFolder, port: int, cores: int) -> list[str]:
    return [sys.executable, "-m", "loadtests.peers.litserve_app", str(port), str(cores)]


def _triptych(release: ReleaseFolder, port: int, _cores: int) -> list[str]:
    grpc_port, metrics_port = free_ports(2)
    ports = ("--http-port", str(port), "--grpc-port", str(grpc_port), "--metrics-port", str(metrics_port))
    return [str(TRIPTYCH), "serve", str(release.number), "--store", str(release.store), *ports]


_INFER = f"/v2/models/{contract.MODEL_NAME}/infer"
_RAW_BINARY = {"Inference-Header-Content-Length": "0"}  # the body is the one element of the one input

SERVED = (
    Contestant("flask", "fp32", _flask, "/classify", read_json),
    Contestant("fastapi", "fp32", _fastapi, "/classify", read_json),
    Contestant("litserve", "fp32", _litserve, "/classify", read_json),
    Contestant(FP32, "fp32", _triptych, _INFER, read_triton, _RAW_BINARY, starts=3, tells_members=True),
    Contestant(INT8, "int8", _triptych, _INFER, read_triton, _RAW_BINARY, tells_members=True),
)
