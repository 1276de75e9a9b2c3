"""`triptych serve` and `triptych demo` before there is a server: what is copied is checked, and a signal ends it."""

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

import releases
from triptych_ops.release import Store
from triptych_ops.release.storage import FolderStorage
from triptych_ops.runtime import Ports

from .conftest import Command

_GRAPH = "classifier/1/model.onnx"


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """Holds the sound release 1."""
    made = Store(tmp_path / "store")
    releases.publish_sound(made, 1)
    return made


def _free_ports() -> tuple[str, ...]:
    ports = Ports.free()
    return (f"--http-port={ports.http}", f"--grpc-port={ports.grpc}", f"--metrics-port={ports.metrics}")


def _interrupted_by(number: signal.Signals, given: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    """Send this process a signal when the graph's first byte was read, and read on slowly; `given` counts bytes."""
    chunks = FolderStorage.chunks

    def slow(storage: FolderStorage, name: str) -> Iterator[bytes]:
        content = b"".join(chunks(storage, name))
        if not name.endswith(_GRAPH):
            yield content
            return
        time.sleep(0.05)  # Python notices a signal late that comes just as its main thread begins to wait
        os.kill(os.getpid(), number)
        for byte in content:
            given.append(byte)
            yield bytes([byte])
            time.sleep(0.005)

    monkeypatch.setattr(FolderStorage, "chunks", slow)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_while_the_release_is_copied_stops_it_clean(
    command: Command, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: signal.Signals
) -> None:
    (tmp_path / "tmp").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "tmp"))
    given: list[int] = []
    _interrupted_by(number, given, monkeypatch)
    done = command("serve", "--store", store.location, *_free_ports())
    assert (done.status, done.stdout, done.stderr) == (0, "", "stopped\n")
    assert 0 < len(given) < store.release().manifest.files[f"repository/{_GRAPH}"].size
    assert list((tmp_path / "tmp").iterdir()) == []


@pytest.mark.parametrize("name", ["serve", "demo"])
def test_a_repository_that_is_broken_is_not_served(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """Its digests are those of the manifest: lint alone can tell."""
    (tmp_path / "tmp").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "tmp"))
    store = Store(tmp_path / "store")
    with store.staging() as staged:
        releases.write_sound(staged, 1)
        (staged / "repository" / "postprocess" / "1" / "labels.txt").write_bytes(b"cat\n")
        release = store.publish(staged, releases.manifest(1, staged))
    done = command(name, "--store", store.location, *(_free_ports() if name == "serve" else ()))
    assert (done.status, done.stdout) == (4, "")
    line = done.stderr.splitlines()[-1]
    assert line.startswith(f"triptych: {release.location}/repository/postprocess/1/labels.txt: E502 ")
    assert list((tmp_path / "tmp").iterdir()) == []
