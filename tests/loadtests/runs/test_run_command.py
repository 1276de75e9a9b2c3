"""`triptych loadtest run` as a user runs it: what it prints, leaves behind and ends with."""

import signal
import subprocess
import time
from pathlib import Path

import psutil
import pytest

import gateways
from commands import TRIPTYCH, triptych
from loadtests.records import OK, REFUSED, Outcome, read
from loadtests.records.sample import NOT_REFUSED
from loadtests.report import FILES
from triptych.testing import Failure, FakeServer

_JUDGED = {0, 4, 6}  # a busy machine may be too slow for objectives, or for the generator


def test_a_run_prints_its_stages_and_leaves_a_record(tmp_path: Path) -> None:
    with FakeServer(release=7, answer_s=0.005) as server:
        done = triptych(
            *("loadtest", "run", "server", "--url", server.grpc_url, "--out", tmp_path / "run"),
            *("--seconds", 4, "--rate", 40, "--invalid", 0.2, "--seed", 3, "--processes", 2),
        )
    assert done.returncode == 4, done.stderr  # the fake server refuses no bad picture
    assert [line.split()[0] for line in done.stdout.splitlines()[2:4]] == ["(warm-up)", "server"]
    assert "an objective was not held: server: errors" in done.stderr
    assert {file.name for file in (tmp_path / "run").iterdir()} >= set(FILES)
    stored = read(tmp_path / "run")
    assert stored.ending is not None
    assert stored.ending.outcome is Outcome.DONE
    assert set(stored.pulses) == {0, 1}
    assert {sample.release for sample in stored.samples} == {7}
    assert {sample.code for sample in stored.samples} == {OK, NOT_REFUSED}  # the fake server refuses nothing
    assert sum(sample.code == NOT_REFUSED for sample in stored.samples) / len(stored.samples) == pytest.approx(
        0.2, abs=0.12
    )


def test_a_folder_of_the_users_own(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "cat.jpg").write_bytes(b"miau")
    with FakeServer() as server:
        done = triptych(
            *("loadtest", "run", "smoke", "--url", server.http_url, "--seconds", 2, "--rate", 20),
            *("--pictures", "mine", "--out", "run"),
            cwd=tmp_path,
        )
    assert done.returncode in _JUDGED, done.stderr
    assert {sample.picture for sample in read(tmp_path / "run").samples} == {"cat.jpg"}


@pytest.mark.parametrize(("invalid_share", "code"), [(0.0, "image"), (1.0, REFUSED)])
def test_a_gateway_that_refuses_is_right_where_the_picture_is_invalid(
    invalid_share: float, code: str, tmp_path: Path
) -> None:
    with FakeServer() as server, gateways.running(server.grpc_url) as gateway:
        server.fails = Failure("INVALID_ARGUMENT", http=400, message="[0] corrupt_image: it is broken")
        done = triptych(
            *("loadtest", "run", "smoke", "--rest", "--url", gateway.url, "--seconds", 2, "--rate", 20),
            *("--invalid", invalid_share, "--out", tmp_path / "run"),
        )
    assert {(sample.protocol, sample.code) for sample in read(tmp_path / "run").samples} == {("rest", code)}
    assert done.returncode in (_JUDGED if code == REFUSED else {1}), done.stderr


def test_a_gateway_is_asked_by_rest(tmp_path: Path) -> None:
    with FakeServer(release=5) as server, gateways.running(server.grpc_url) as gateway:
        triptych(
            *("loadtest", "run", "smoke", "--rest", "--url", gateway.url, "--seconds", 2, "--rate", 20),
            *("--out", tmp_path / "run"),
        )
    found = {(sample.protocol, sample.code, sample.release) for sample in read(tmp_path / "run").samples}
    assert found == {("rest", OK, 5)}


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        (("sokk",), 2, "no profile is called 'sokk'; did you mean 'soak'?"),
        (("smoke", "--rate", "0"), 2, "0 requests a second are no rate"),
        (("smoke", "--users", "0"), 2, "0 are no users"),
        (("smoke", "--pictures", "EMPTY"), 3, "name a folder with pictures"),
        (("smoke", "--pictures", "MISSING"), 3, "no such file or directory; name a folder with pictures"),
        (("smoke", "--picture", "gif:1x1"), 2, "'gif:1x1' is no kind of picture"),
        (("smoke", "--url", "http://127.0.0.1:1"), 1, "the target cannot be reached"),
        (("smoke", "--url", "grpc://127.0.0.1:1"), 1, "the target cannot be reached"),
        (("smoke", "--url", "ftp://nowhere"), 2, "the scheme must be"),
        (("smoke", "--url", "grpc://127.0.0.1:1", "--rest"), 2, "a gateway speaks HTTP"),
        (("smoke", "--smoke", "--seconds", "3"), 2, "leave one out"),
        (("smoke", "--header", "key"), 2, "NAME=VALUE"),
        (("smoke", "--objective", "p99<100"), 2, "the unit is missing; write 100ms or 2s"),
        (("smoke", "--objectives", "none.yaml"), 2, "none.yaml: no such file"),
        (("smoke", "--objective", "rush: p99<1s"), 2, "there is no stage 'rush'; there are warm-up, smoke"),
    ],
)
def test_bad_input_is_one_line(arguments: tuple[str, ...], status: int, words: str, tmp_path: Path) -> None:
    (tmp_path / "EMPTY").mkdir()
    done = triptych("loadtest", "run", *arguments, "--out", "run", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (status, "")
    assert words in done.stderr.splitlines()[-1]
    assert not (tmp_path / "run").exists()


def test_only_errors_end_a_run_early(tmp_path: Path) -> None:
    with FakeServer() as server:
        server.fails = Failure("RESOURCE_EXHAUSTED", http=503)
        began = time.monotonic()
        done = triptych("loadtest", "run", "soak", "--url", server.grpc_url, "--out", tmp_path / "run")
    assert done.returncode == 1
    assert "not one of" in done.stderr
    assert "'overloaded'" in done.stderr
    assert time.monotonic() - began < 30
    stored = read(tmp_path / "run")
    assert len(stored.samples) > 10
    assert stored.ending is not None
    assert stored.ending.outcome is Outcome.ONLY_ERRORS


def test_a_record_is_not_written_over(tmp_path: Path) -> None:
    (tmp_path / "run.json").write_text("{}")
    with FakeServer() as server:
        done = triptych("loadtest", "run", "smoke", "--url", server.http_url, "--out", tmp_path)
    assert done.returncode == 2
    assert "holds the record of an earlier run" in done.stderr


class Running:
    """A soak of two processes that has been under way for a while."""

    def __init__(self, server: FakeServer, folder: Path) -> None:
        self.folder = folder
        command = ["loadtest", "run", "soak", "--url", server.http_url, "--out", str(folder), "--processes", "2"]
        self.process = subprocess.Popen(
            [str(TRIPTYCH), *command], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        while not all(path.exists() and path.stat().st_size for path in self._samples()):
            assert self.process.poll() is None, self.process.communicate()
            time.sleep(0.1)
        self.workers = psutil.Process(self.process.pid).children()

    def _samples(self) -> list[Path]:
        return [self.folder / f"samples-{process}.csv" for process in range(2)]

    def ended(self) -> tuple[int, str]:
        _, errors = self.process.communicate(timeout=30)
        psutil.wait_procs(self.workers, timeout=5)
        assert not any(worker.is_running() for worker in self.workers)
        return self.process.returncode, errors


def test_a_lost_process_ends_the_run_and_keeps_the_record(tmp_path: Path) -> None:
    with FakeServer() as server:
        running = Running(server, tmp_path / "run")
        running.workers[1].kill()
        status, errors = running.ended()
    assert status == 1
    assert "generator process 1 ended by signal 9; what was seen until then is in" in errors
    stored = read(tmp_path / "run")
    assert stored.ending is not None
    assert stored.ending.outcome is Outcome.WORKER_LOST
    assert stored.samples


def test_ctrl_c_ends_the_run_and_keeps_the_record(tmp_path: Path) -> None:
    with FakeServer() as server:
        running = Running(server, tmp_path / "run")
        running.process.send_signal(signal.SIGINT)
        status, errors = running.ended()
    assert status == 6
    assert "it was stopped; what was seen until then is in" in errors
    ending = read(tmp_path / "run").ending
    assert ending is not None
    assert ending.outcome is Outcome.STOPPED


def test_a_killed_run_leaves_no_process_and_a_record(tmp_path: Path) -> None:
    with FakeServer() as server:
        running = Running(server, tmp_path / "run")
        running.process.kill()
        running.ended()
    stored = read(tmp_path / "run")
    assert stored.ending is None
    assert {sample.code for sample in stored.samples} <= {OK, REFUSED}
    assert stored.samples


def test_a_generator_that_is_the_bottleneck_says_so(tmp_path: Path) -> None:
    with FakeServer() as server:
        done = triptych(
            *("loadtest", "run", "server", "--url", server.http_url, "--out", tmp_path / "run"),
            *("--seconds", 4, "--rate", 20_000),
        )
    assert done.returncode == 6
    assert "the generator itself was the bottleneck" in done.stderr


@pytest.mark.parametrize("how", ["flag", "variable", "setting"])
def test_the_old_name_of_invalid_is_refused_with_the_new_one(how: str, tmp_path: Path) -> None:
    """`bad` was the share of invalid images to send, and the column of failed requests."""
    if how == "setting":
        (tmp_path / "triptych.toml").write_text('[loadtest.run]\nbad = "0.1"\n')
    flags = ("--bad", "0.1") if how == "flag" else ()
    variables = {"TRIPTYCH_LOADTEST_RUN_BAD": "0.1"} if how == "variable" else {}
    done = triptych("loadtest", "run", "smoke", *flags, cwd=tmp_path, env=variables)
    assert done.returncode == 2
    assert "--bad (setting `bad`) is now --invalid (`invalid`)" in done.stderr
    assert "--bad" not in triptych("loadtest", "run", "--help").stdout
