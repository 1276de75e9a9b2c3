"""`triptych serve`: how it starts, what it refuses, what it leaves behind."""

import os
import shutil
import signal
import socket
import time
import urllib.error
import urllib.request
from pathlib import Path

import psutil
import pytest

from commands import Serving, gone, triptych
from small_disk import needs_root, small_disk
from triptych import Client
from triptych_ops.release import Store, digest
from triptych_ops.runtime import Ports, Server, find_installation


@pytest.fixture
def copied(store: Path, tmp_path: Path) -> Path:
    """A store of this test's own."""
    return Path(shutil.copytree(store, tmp_path / "store"))


def test_no_process_of_the_server_loads_torch(serving: Serving) -> None:
    processes = serving.children()
    assert set(serving.stubs()) == {"preprocess", "classifier", "postprocess"}
    assert len(processes) >= 4  # several of one model where there are cores for them
    mapped = {Path(file.path).name for process in processes for file in process.memory_maps()}
    assert [name for name in mapped if name.startswith("onnxruntime_pybind11_state")]  # the maps were read
    assert not [name for name in mapped if "torch" in name]


def test_serving_does_not_change_the_release(serving: Serving, store: Path) -> None:
    assert triptych("classify", "--url", serving.ports.grpc_url, __file__).returncode == 1
    assert not list(store.rglob("*.pyc"))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_it_clean(store: Path, tmp_path: Path, number: signal.Signals) -> None:
    with Serving(store, tmp_path) as serving:
        processes = serving.children()
        assert len(serving.traces()) == len(processes) + 1  # a folder, its owner's lock, a region of each stub
        status, errors = serving.stop(number)
    assert status == 0, errors
    assert errors.splitlines() == ["stopping", "stopped"]
    assert gone(processes, within_s=0)
    assert serving.traces() == set()


def test_a_signal_while_starting_stops_it_clean(store: Path, tmp_path: Path) -> None:
    serving = Serving(store, tmp_path)
    serving.start()
    while not (processes := serving.children()):
        assert serving.process.poll() is None
    assert serving.traces()
    status, errors = serving.stop(signal.SIGTERM)
    assert status == 0, errors
    assert gone(processes, within_s=0)
    assert serving.traces() == set()


def test_an_idle_keep_alive_connection_does_not_hold_it_up(store: Path, tmp_path: Path) -> None:
    with Serving(store, tmp_path) as serving, socket.create_connection(("127.0.0.1", serving.ports.http)) as idle:
        idle.sendall(b"GET /v2/health/live HTTP/1.1\r\nHost: x\r\n\r\n")
        assert b"200" in idle.recv(1000)
        processes = serving.children()
        asked_s = time.monotonic()
        status, _ = serving.stop(signal.SIGTERM)
        assert time.monotonic() - asked_s < 3  # Triton alone takes five
    assert status == 0
    assert gone(processes, within_s=0)


def test_the_server_ends_with_a_killed_command_and_the_next_start_tidies(store: Path, tmp_path: Path) -> None:
    with Serving(store, tmp_path) as killed:
        killed.traces()
        processes = killed.children()
        killed.stop(signal.SIGKILL)
        assert gone(processes, within_s=20)
    deadline = time.monotonic() + 5  # the guard removes the shared memory just after the processes have ended
    while len(killed.traces()) > 1 and time.monotonic() < deadline:
        time.sleep(0.05)
    (abandoned,) = killed.traces()  # its folder; nothing in shared memory
    with Serving(store, tmp_path):
        assert not abandoned.exists()


def test_a_busy_port_is_named(serving: Serving, store: Path) -> None:
    done = triptych("serve", "--store", store, "--http-port", serving.ports.http)
    assert done.returncode == 1
    assert done.stderr == f"triptych: port {serving.ports.http} is in use; choose another with --http-port\n"


def test_a_server_that_dies_is_replaced(store: Path, tmp_path: Path) -> None:
    with Serving(store, tmp_path) as serving:
        (server,) = [process for process in serving.children() if process.name() == "tritonserver"]
        server.kill()
        server.wait(5)
        with Client(serving.ports.grpc_url) as client:
            assert client.wait_until_ready(30).ok
        time.sleep(2)  # the supervisor looks for itself before it says so
        status, errors = serving.stop(signal.SIGTERM)
    found, again, *_ = errors.splitlines()
    assert status == 0
    assert found == "tritonserver was ended by SIGKILL; replacing the server"
    assert again.startswith("serving again after ")


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


@pytest.mark.parametrize(
    ("planted", "words"), [("968", "the known answer is class 968"), ("?", "known answer is not readable")]
)
def test_an_answer_that_is_not_the_known_one_is_never_ready(
    copied: Path, tmp_path: Path, planted: str, words: str
) -> None:
    """The control of every readiness test: the release is whole, the known answer alone decides."""
    config = copied / "releases/1/repository/image_classifier/config.pbtxt"
    text = config.read_text()
    assert 'string_value: "967"' in text
    config.write_text(text.replace('string_value: "967"', f'string_value: "{planted}"'))
    release = Store(copied).release()
    files = {**release.manifest.files, "repository/image_classifier/config.pbtxt": digest(config)}
    release.manifest.model_copy(update={"files": files}).write(release.folder / "release.json")
    (copied / "numbers" / "1.json").unlink()  # which has the digest of the manifest as it was
    serving = Serving(copied, tmp_path)
    serving.start()
    output, errors = serving.process.communicate(timeout=60)
    assert serving.process.returncode == 4
    assert output == ""
    assert words in errors


@pytest.mark.parametrize("path", ["repository/index", "systemsharedmemory/status", "trace/setting", "logging"])
def test_what_no_client_needs_is_closed(serving: Serving, path: str) -> None:
    method = "POST" if path == "repository/index" else "GET"
    request = urllib.request.Request(f"{serving.ports.http_url}/v2/{path}", method=method)
    with pytest.raises(urllib.error.HTTPError) as caught, urllib.request.urlopen(request):
        pass
    caught.value.close()
    assert caught.value.code == 403


def test_health_tells_the_truth_when_triton_does_not(store: Path) -> None:
    def copy(folder: Path) -> None:
        shutil.copytree(store / "releases" / "1" / "repository", folder)

    with Server(find_installation(os.environ), copy, Ports.free()) as server:  # nobody replaces its stubs
        server.wait_ready()
        (stub,) = (child for child in psutil.Process(server.pid).children() if "/postprocess/" in child.cmdline()[1])
        stub.kill()
        with urllib.request.urlopen(f"{server.ports.http_url}/v2/health/ready") as answer:
            assert answer.status == 200  # Triton's own word, which is why health is an inference
        done = triptych("health", "--url", server.ports.http_url)
        assert (done.returncode, done.stdout.split(":")[0]) == (1, "unhealthy")
        psutil.Process(server.pid).suspend()
        done = triptych("health", "--url", server.ports.http_url, "--timeout", "1")
        assert (done.returncode, done.stdout.split(":")[0]) == (5, "unhealthy")


@pytest.mark.parametrize("name", ["a b", "a;touch injected;", "$(touch injected)", "a'b"])
def test_a_temporary_folder_that_a_shell_would_read_is_refused(store: Path, tmp_path: Path, name: str) -> None:
    (tmp_path / name).mkdir()
    done = triptych("serve", "--store", store, cwd=tmp_path, env={"TMPDIR": str(tmp_path / name)})
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert "set TMPDIR" in line
    assert [path.name for path in tmp_path.iterdir()] == [name]
    assert list((tmp_path / name).iterdir()) == []


@needs_root
def test_a_full_temporary_folder_is_one_line(store: Path, tmp_path: Path) -> None:
    with small_disk(tmp_path, size_bytes=10 << 20):
        done = triptych("serve", "--store", store, env={"TMPDIR": str(tmp_path)})
        left = list(tmp_path.iterdir())
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert line.startswith("triptych: No space left on device: ")
    assert "model.onnx; free some space" in line
    assert left == []
