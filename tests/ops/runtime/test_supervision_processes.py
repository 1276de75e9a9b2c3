"""The processes of a server, as the kernel sees them; here a shell and its child."""

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from triptych_ops.runtime.supervision.judgement import Condition
from triptych_ops.runtime.supervision.processes import Processes


@pytest.fixture
def stub(tmp_path: Path) -> Path:
    """A program that is called like Triton's stub, and sleeps."""
    program = tmp_path / "triton_python_backend_stub"
    program.symlink_to(shutil.which("sh") or "/bin/sh")
    return program


@pytest.fixture
def server(stub: Path, tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A process with a child whose command line is a stub's."""
    model = tmp_path / "repository" / "classifier" / "7" / "model.py"
    model.parent.mkdir(parents=True)
    model.write_text("while :; do sleep 1; done")
    line = f"{stub} {model} region 1048576 1048576 1 /backends/python 336 classifier_0_1 DEFAULT & exec sleep 60"
    process = subprocess.Popen(["/bin/sh", "-c", line], start_new_session=True)
    while not any("classifier_0_1" in child.cmdline() for child in psutil.Process(process.pid).children()):
        time.sleep(0.01)
    yield process
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _condition(processes: Processes, word: str) -> Condition:
    (condition,) = (condition for name, condition in processes.look().items() if word in name)
    return condition


def _await(processes: Processes, word: str, expected: Condition) -> None:
    deadline = time.monotonic() + 5
    while _condition(processes, word) is not expected:
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_stub_is_called_by_its_model_and_instance(server: subprocess.Popen[bytes]) -> None:
    (child,) = (child for child in psutil.Process(server.pid).children() if "classifier_0_1" in child.cmdline())
    assert Processes(server.pid).look()[f"the stub of classifier (instance classifier_0_1, pid {child.pid})"] is (
        Condition.RUNNING
    )


def test_a_process_is_seen_to_stop_and_to_end(server: subprocess.Popen[bytes]) -> None:
    processes = Processes(server.pid)
    (child,) = (child for child in psutil.Process(server.pid).children() if "classifier_0_1" in child.cmdline())
    child.suspend()
    _await(processes, "classifier_0_1", Condition.STOPPED)
    child.resume()
    _await(processes, "classifier_0_1", Condition.RUNNING)
    child.kill()
    _await(processes, "classifier_0_1", Condition.ENDED)  # a zombie: its parent does not look
    assert _condition(processes, f"pid {server.pid}") is Condition.RUNNING
    server.kill()
    _await(processes, f"pid {server.pid}", Condition.ENDED)
    server.wait()
    assert _condition(processes, f"pid {server.pid}") is Condition.ENDED
