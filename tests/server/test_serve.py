"""`triptych serve`: how it starts, what it refuses, what it leaves behind."""

import shutil
import signal
import socket
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from commands import Serving, gone, left_behind, triptych
from triptych import Client
from triptych_ops.release import Store, digest


@pytest.fixture
def copied(store: Path, tmp_path: Path) -> Path:
    """A store of this test's own."""
    return Path(shutil.copytree(store, tmp_path / "store"))


@pytest.fixture
def nothing_left() -> Iterator[None]:
    """Compares shared memory and temporary folders before and after."""
    before = left_behind()
    yield
    assert left_behind() <= before


def test_no_process_of_the_server_loads_torch(serving: Serving) -> None:
    processes = serving.children()
    assert set(serving.stubs()) == {"preprocess", "classifier", "postprocess"}
    assert len(processes) == 4
    mapped = {Path(file.path).name for process in processes for file in process.memory_maps()}
    assert [name for name in mapped if name.startswith("onnxruntime_pybind11_state")]  # the maps were read
    assert not [name for name in mapped if "torch" in name]


def test_serving_does_not_change_the_release(serving: Serving, store: Path) -> None:
    assert triptych("classify", "--url", serving.ports.grpc_url, __file__).returncode == 1
    assert not list(store.rglob("*.pyc"))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.usefixtures("nothing_left")
def test_a_signal_stops_it_clean(store: Path, number: signal.Signals) -> None:
    with Serving(store) as serving:
        assert len(left_behind()) >= 4  # three regions and the folder
        processes = serving.children()
        status, errors = serving.stop(number)
    assert status == 0, errors
    assert gone(processes, within_s=0)
    assert errors.splitlines() == ["stopping", "stopped"]


@pytest.mark.usefixtures("nothing_left")
def test_a_signal_while_starting_stops_it_clean(store: Path) -> None:
    serving = Serving(store)
    serving.start()
    while not (processes := serving.children()):
        assert serving.process.poll() is None
    status, errors = serving.stop(signal.SIGTERM)
    assert status == 0, errors
    assert gone(processes, within_s=0)


def test_an_idle_keep_alive_connection_does_not_hold_it_up_for_ever(store: Path) -> None:
    with Serving(store) as serving, socket.create_connection(("127.0.0.1", serving.ports.http)) as idle:
        idle.sendall(b"GET /v2/health/live HTTP/1.1\r\nHost: x\r\n\r\n")
        assert b"200" in idle.recv(1000)
        processes = serving.children()
        status, _ = serving.stop(signal.SIGTERM)
    assert status == 0
    assert gone(processes, within_s=0)


def test_the_server_ends_with_a_killed_command(store: Path) -> None:
    before = left_behind()
    with Serving(store) as serving:
        processes = serving.children()
        serving.stop(signal.SIGKILL)
        assert gone(processes, within_s=20)
        abandoned = left_behind() - before
        assert not [name for name in abandoned if Path("/dev/shm", name).exists()]  # noqa: S108
    with Serving(store):
        assert not abandoned & left_behind()  # the next start tidies


def test_a_busy_port_is_named(serving: Serving, store: Path) -> None:
    done = triptych("serve", "--store", store, "--http-port", serving.ports.http)
    assert done.returncode == 1
    assert done.stderr == f"triptych: port {serving.ports.http} is in use; choose another with --http-port\n"


def test_a_server_that_dies_ends_the_command(store: Path) -> None:
    with Serving(store) as serving:
        (server,) = [process for process in serving.children() if process.name() == "tritonserver"]
        server.kill()
        _, errors = serving.process.communicate(timeout=30)
        assert serving.process.returncode == 1
        assert "tritonserver ended with status -9" in errors


@pytest.mark.parametrize(
    "victim",
    [
        "classifier/1/model.onnx",
        "preprocess/1/image_pipeline.py",
        "postprocess/1/labels.txt",
        "classifier/config.pbtxt",
    ],
)
def test_an_altered_byte_is_refused_by_name(copied: Path, victim: str) -> None:
    path = copied / "releases/1/repository" / victim
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    done = triptych("serve", "--store", copied)
    assert done.returncode == 4
    (line,) = done.stderr.splitlines()
    assert str(path) in line
    assert "was altered" in line


def test_an_additional_file_is_refused_by_name(copied: Path) -> None:
    path = copied / "releases/1/repository/preprocess/1/numpy.py"
    path.write_text("raise SystemExit")
    done = triptych("serve", "--store", copied)
    assert done.returncode == 4
    assert f"{path} is not in the manifest" in done.stderr


def test_a_wrong_answer_is_never_ready(copied: Path) -> None:
    """The control of every readiness test: with labels and graph intact, the known answer alone decides."""
    config = copied / "releases/1/repository/image_classifier/config.pbtxt"
    text = config.read_text()
    assert 'string_value: "967"' in text
    config.write_text(text.replace('string_value: "967"', 'string_value: "968"'))
    release = Store(copied).release()
    files = {**release.manifest.files, "repository/image_classifier/config.pbtxt": digest(config)}
    release.manifest.model_copy(update={"files": files}).write(release.folder / "release.json")
    serving = Serving(copied)
    serving.start()
    output, errors = serving.process.communicate(timeout=60)
    assert serving.process.returncode == 4
    assert output == ""
    assert "the known answer is class 968" in errors


def test_health_tells_the_truth_when_triton_does_not(store: Path) -> None:
    with Serving(store) as serving, Client(serving.ports.grpc_url) as client:
        assert client.health().ok
        serving.stubs()["postprocess"].kill()
        state = client.health()
        with urllib.request.urlopen(f"{serving.ports.http_url}/v2/health/ready") as answer:
            assert answer.status == 200  # Triton's own word, which is why health is an inference
        assert not state.ok
        done = triptych("health", "--url", serving.ports.http_url)
        assert (done.returncode, done.stdout.split(":")[0]) == (1, "unhealthy")
        serving.stop(signal.SIGTERM)
