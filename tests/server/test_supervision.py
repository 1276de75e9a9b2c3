"""A supervised server on the real Triton: what is found, what is done, what is said."""

import os
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from triptych import Client, TriptychError, health
from triptych_ops.errors import OpsError, RefusedError
from triptych_ops.runtime import Part, Ports, RestartPolicy, Server, Supervisor, find_installation

NOTICED_WITHIN_S = 15.0


class Model:
    """The repository of release 1, changed by tests: how Triton gets it, and a switch that its sources look at."""

    def __init__(self, repository: Path, switch: Path) -> None:
        self._repository = repository
        self.switch = switch
        self.copies: list[Path] = []
        self.planted: dict[str, str] = {}

    def copy(self, folder: Path) -> None:
        """Fill the folder, with what is planted after each source's own lines."""
        shutil.copytree(self._repository, folder)
        self.copies.append(folder)
        for member, lines in self.planted.items():
            source = folder / member / "1" / "model.py"
            source.write_text(source.read_text() + lines.replace("SWITCH", repr(str(self.switch))))


@pytest.fixture
def model(store: Path, tmp_path: Path) -> Model:
    return Model(store / "releases" / "1" / "repository", tmp_path / "switch")


HANGS = """
import pathlib, time
class TritonPythonModel(TritonPythonModel):
    def execute(self, requests):
        while pathlib.Path(SWITCH).exists():
            time.sleep(0.1)
        return super().execute(requests)
"""
LIES = """
import pathlib
_rank = rank
def rank(logits, k):
    return _rank(-logits if pathlib.Path(SWITCH).exists() else logits, k)
"""


class Supervised:
    """A supervisor at work in this thread while `script` is carried out in another, which ends it."""

    def __init__(self, server: Server, *, parts: tuple[Part, ...] = (), policy: RestartPolicy | None = None) -> None:
        self.server = server
        self.said: list[str] = []
        self.given_up = threading.Event()
        self._stop = threading.Event()
        self._supervisor = Supervisor(server, parts=parts, report=self.said.append, policy=policy)

    def run(self, script: Callable[[], None]) -> None:
        """Supervise until the script is done; what either raises goes up."""

        def play() -> None:
            try:
                script()
            finally:
                self._stop.set()

        fastest_s = self.server.wait_ready().elapsed_s
        with ThreadPoolExecutor(1) as pool:
            played = pool.submit(play)
            try:
                self._supervisor.run(self._stop, fastest_s=fastest_s)
            finally:
                self.given_up.set()
            played.result()

    def await_said(self, words: str, *, within_s: float) -> float:
        """Seconds until a line with these words is said."""
        began_s = time.monotonic()
        while not any(words in line for line in list(self.said)):
            assert time.monotonic() - began_s < within_s, f"not within {within_s:g} s: {words!r} of {self.said}"
            time.sleep(0.02)
        return time.monotonic() - began_s


@pytest.fixture
def server(model: Model) -> Iterator[Server]:
    with Server(find_installation(os.environ), model.copy, Ports.free()) as running:
        yield running


def _answers(server: Server) -> bool:
    with Client(server.ports.grpc_url) as client:
        return client.health(timeout_s=1).ok


def _stub(server: Server, member: str) -> psutil.Process:
    stubs = (process for process in psutil.Process(server.pid).children() if f"/{member}/" in process.cmdline()[1])
    return next(stubs)


def test_a_dead_stub_is_replaced_on_the_same_ports(server: Server, model: Model) -> None:
    supervised = Supervised(server)

    def script() -> None:
        time.sleep(1)  # it is looked at by now
        before = server.pid
        _stub(server, "postprocess").kill()
        supervised.await_said("serving again after ", within_s=NOTICED_WITHIN_S)
        assert server.pid != before
        assert _answers(server)

    supervised.run(script)
    found, again = supervised.said
    assert found.startswith("the stub of postprocess (instance postprocess_0")
    assert found.endswith(") ended; replacing the server")
    assert again.startswith("serving again after ")
    assert len(model.copies) == 1  # of which no byte had changed


def test_a_copy_that_was_altered_is_made_anew(server: Server, model: Model) -> None:
    supervised = Supervised(server)

    def script() -> None:
        (model.copies[0] / "postprocess" / "1" / "labels.txt").write_text("nonsense\n")
        psutil.Process(server.pid).kill()
        supervised.await_said("serving again after ", within_s=NOTICED_WITHIN_S)
        assert _answers(server)

    supervised.run(script)
    assert supervised.said[0] == "tritonserver was ended by SIGKILL; replacing the server"
    assert len(model.copies) == 2
    assert not model.copies[0].exists()


def test_what_came_to_lie_in_the_copy_is_not_run(server: Server, model: Model) -> None:
    supervised = Supervised(server)
    planted = model.copies[0] / "postprocess" / "1" / "ranking" / "__init__.py"  # taken before ranking.py

    def script() -> None:
        planted.parent.mkdir()
        planted.write_text("raise SystemExit\n")
        psutil.Process(server.pid).kill()
        supervised.await_said("serving again after ", within_s=NOTICED_WITHIN_S)
        assert _answers(server)

    supervised.run(script)
    assert not planted.exists()
    assert len(model.copies) == 1


@pytest.mark.parametrize("busy", [False, True], ids=["idle", "busy"])
@pytest.mark.parametrize("member", ["preprocess", "postprocess"])
def test_a_stub_that_hangs_is_found(model: Model, member: str, busy: bool) -> None:
    """No process is dead or stopped: only the missing answers tell, while other members go on to work."""
    model.planted[member] = HANGS
    with Server(find_installation(os.environ), model.copy, Ports.free()) as server:
        supervised = Supervised(server)

        def ask_on(done: threading.Event) -> None:
            with Client(server.ports.grpc_url) as client:
                while not done.is_set():
                    with suppress(TriptychError):
                        client.classify(health.image(), timeout_s=0.2)

        def script() -> None:
            time.sleep(1)
            done = threading.Event()
            with ThreadPoolExecutor(2) as pool:
                for _ in range(2 if busy else 0):
                    pool.submit(ask_on, done)
                time.sleep(0.5)
                model.switch.touch()
                try:
                    noticed_s = supervised.await_said("replacing the server", within_s=NOTICED_WITHIN_S)
                finally:
                    model.switch.unlink()
                    done.set()
            supervised.await_said("serving again after ", within_s=NOTICED_WITHIN_S)
            assert _answers(server)
            print(f"{member} hangs{' under load' if busy else ''}: noticed after {noticed_s:.1f} s")

        supervised.run(script)
    if not busy:
        assert supervised.said[0].startswith(("the server hangs, for ", f"{member} hangs, for "))


def test_a_wrong_answer_is_replaced_and_a_second_one_ends_it(model: Model) -> None:
    model.planted["postprocess"] = LIES
    with Server(find_installation(os.environ), model.copy, Ports.free()) as server:
        supervised = Supervised(server)

        def lie_once() -> None:
            model.switch.touch()
            supervised.await_said("a wrong answer: ", within_s=NOTICED_WITHIN_S)
            model.switch.unlink()
            supervised.await_said("serving again after ", within_s=NOTICED_WITHIN_S)

        def lie_on() -> None:
            model.switch.touch()
            again.given_up.wait(NOTICED_WITHIN_S)

        supervised.run(lie_once)
        again = Supervised(server)
        with pytest.raises(RefusedError, match="does not give the known answer"):
            again.run(lie_on)


def test_what_does_not_come_back_is_given_up(server: Server, model: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    supervised = Supervised(server, policy=RestartPolicy(base_s=0.05, longest_s=0.1, limit=3))

    def fail(_folder: Path) -> None:
        raise OpsError("the store is gone")

    def script() -> None:
        (model.copies[0] / "postprocess" / "1" / "labels.txt").unlink()
        psutil.Process(server.pid).kill()
        supervised.given_up.wait(NOTICED_WITHIN_S)

    monkeypatch.setattr(server, "_copy_repository", fail)
    with pytest.raises(OpsError, match=r"replaced 3 times .* it does not come back: the store is gone$"):
        supervised.run(script)
    assert len(supervised.said) == 3


class Lamp:
    """A part that can go out."""

    name = "the lamp"

    def __init__(self, *, lights: bool) -> None:
        self.out = False
        self._lights = lights

    def check_alive(self) -> None:
        if self.out:
            raise OpsError("the lamp went out")

    def restart(self) -> None:
        if not self._lights:
            raise OpsError("the lamp is broken")
        self.out = False


def test_a_part_is_started_anew(server: Server) -> None:
    lamp = Lamp(lights=True)
    supervised = Supervised(server, parts=(lamp,))

    def script() -> None:
        lamp.out = True
        supervised.await_said("the lamp runs again", within_s=5)
        assert not lamp.out

    supervised.run(script)
    assert supervised.said == ["the lamp went out; replacing the lamp", "the lamp runs again"]


def test_a_part_that_does_not_come_back_is_given_up(server: Server) -> None:
    lamp = Lamp(lights=False)
    supervised = Supervised(server, parts=(lamp,), policy=RestartPolicy(base_s=0.05, longest_s=0.1, limit=3))

    def script() -> None:
        lamp.out = True
        supervised.given_up.wait(NOTICED_WITHIN_S)

    with pytest.raises(OpsError, match=r"the lamp was replaced 3 times .*: the lamp is broken$"):
        supervised.run(script)
