"""A real object store that speaks S3: SeaweedFS, on loopback, small."""

import json
import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from socket import create_server

import pytest

WEED = Path(sys.prefix) / "bin" / "weed"
BUCKET = "triptych"
_START_S = 20
_PORTS = ("master", "volume", "filer", "s3")
_VOLUME_MEGABYTES = 64
_VOLUMES = 24  # 1.5 GB at most


@dataclass(frozen=True, slots=True)
class ObjectStore:
    """Its address, and the two users that it knows: one may do everything, the other only read."""

    url: str
    log: Path

    def environment(self, *, user: str = "writer") -> Mapping[str, str]:
        """The standard variables for one of its users: `writer` or `reader`."""
        return {
            "AWS_ENDPOINT_URL": self.url,
            "AWS_ACCESS_KEY_ID": user,
            "AWS_SECRET_ACCESS_KEY": f"{user}-secret",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_EC2_METADATA_DISABLED": "true",
        }


@contextmanager
def object_store(folder: Path, *, address: str = "127.0.0.1") -> Iterator[ObjectStore]:
    """Start it at `address` with its data in `folder`, wait until it answers, stop it at the end."""
    identities = [
        _identity("writer", ["Admin", "Read", "Write", "List"]),
        _identity("reader", ["Read", "List"]),
    ]
    (folder / "s3.json").write_text(json.dumps({"identities": identities}), encoding="utf-8")
    names = [f"{name}.port{kind}" for name in _PORTS for kind in ("", ".grpc")]
    ports = dict(zip(names, _free_ports(address), strict=True))
    options = ports | {
        "ip": address,
        "ip.bind": address,
        "dir": folder,
        "filer": "true",
        "filer.localSocket": folder / "filer.sock",
        "s3": "true",
        "s3.config": folder / "s3.json",
        "s3.iam": "false",
        "s3.localSocket": folder / "s3.sock",
        "s3.port.iceberg": 0,
        "s3.port.lance": 0,
        "master.telemetry": "false",
        "master.volumeSizeLimitMB": _VOLUME_MEGABYTES,
        "volume.max": _VOLUMES,
        "volume.minFreeSpace": 1,
        "volume.preStopSeconds": 0,
    }
    store = ObjectStore(f"http://{address}:{ports['s3.port']}", folder / "log")
    with store.log.open("wb") as log:
        command = [str(WEED), "server", *(f"-{name}={value}" for name, value in options.items())]
        process = subprocess.Popen(command, stdout=log, stderr=log, cwd=folder, env=_bare_environment())
    try:
        _wait_until_it_answers(store, process)
        _make_bucket(store)
        yield store
    finally:
        process.kill()  # its data are thrown away
        process.wait()
        for name in _PORTS:  # it makes them there, whatever TMPDIR says
            Path(f"/tmp/seaweedfs-{name}-grpc-{ports[f'{name}.port.grpc']}.sock").unlink(missing_ok=True)  # noqa: S108


@pytest.fixture(scope="session")
def objects(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ObjectStore]:
    """A real object store; this process, and what it starts, are its `writer`."""
    with object_store(tmp_path_factory.mktemp("objects")) as started, pytest.MonkeyPatch.context() as patch:
        for name, value in started.environment().items():
            patch.setenv(name, value)
        yield started


@pytest.fixture(scope="session")
def new_prefix(objects: ObjectStore) -> Callable[[], str]:
    """Gives the URL of a prefix that nobody else uses; it needs the object store."""
    assert objects.url
    numbers = count(1)
    return lambda: f"s3://{BUCKET}/store-{next(numbers)}"


def _make_bucket(store: ObjectStore) -> None:
    import s3fs

    options = store.environment()
    key, secret = options["AWS_ACCESS_KEY_ID"], options["AWS_SECRET_ACCESS_KEY"]
    s3fs.S3FileSystem(endpoint_url=store.url, key=key, secret=secret).mkdir(BUCKET)


def _identity(name: str, actions: list[str]) -> dict[str, object]:
    return {"name": name, "credentials": [{"accessKey": name, "secretKey": f"{name}-secret"}], "actions": actions}


def _bare_environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "WEED_", "S3_"))}


def _free_ports(address: str) -> list[int]:
    with ExitStack() as held:
        servers = [held.enter_context(closing(create_server((address, 0)))) for _ in range(2 * len(_PORTS))]
        return [server.getsockname()[1] for server in servers]


def _wait_until_it_answers(store: ObjectStore, process: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + _START_S
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with urllib.request.urlopen(f"{store.url}/status", timeout=1):
                return
        except OSError:
            time.sleep(0.05)
    raise AssertionError(f"the object store did not start:\n{store.log.read_text(errors='replace')[-2000:]}")
