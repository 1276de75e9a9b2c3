"""`triptych loadtest rollout` as a user runs it, against a server whose release changes meanwhile."""

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from threading import Timer
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from commands import triptych
from triptych import contract
from triptych.testing import Failure, FakeServer, answers

UPGRADE = ("--", sys.executable, "-c", "import time; print('rolling out'); time.sleep(3)")
MIDDLE_S = 6.0  # about when that program is at its work: the command's start, and three seconds of load before it


def test_a_rollout_that_nobody_notices(tmp_path: Path) -> None:
    with FakeServer(release=7, answer_s=0.002) as server:
        Timer(MIDDLE_S, setattr, (server, "release", 8)).start()
        done = triptych(
            *("loadtest", "rollout", "--url", server.grpc_url, "--rate", 50, "--out", tmp_path / "run", *UPGRADE)
        )
    assert done.returncode == 0, done.stderr
    assert [line.split()[0] for line in done.stdout.splitlines()[2:]] == ["7", "8"]
    assert "0 failed, 0 mixed, 0 dropped of" in done.stderr
    assert "rolling out" in done.stderr
    told = json.loads((tmp_path / "run" / "rollout.json").read_text())
    assert (told["status"], told["in_time"]) == (0, True)
    assert told["releases"][0]["last_s"] < told["releases"][1]["first_s"] + 0.5
    assert (tmp_path / "run" / "report.html").exists()


def test_what_fails_and_what_is_mixed_is_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The fault is planted: from a moment on every tenth answer has scores that its release never gave."""
    outputs, planted, failed = answers.outputs, list[int](), list[int]()

    def sometimes_mixed(images: Sequence[bytes], names: Sequence[str], **more: Any) -> dict[str, NDArray[Any]]:
        tensors = outputs(images, names, **more)
        if server.release == 8 and server.requests % 10 == 0:
            planted.append(server.requests)
            tensors[contract.SCORE] = np.full_like(tensors[contract.SCORE], 0.2)
        return tensors

    def sometimes_failing(number: int) -> Failure | None:
        if number % 50:
            return None
        failed.append(number)
        return Failure("UNAVAILABLE", 503)

    monkeypatch.setattr("triptych.testing.server.outputs_of", sometimes_mixed)
    with FakeServer(release=7, failure=sometimes_failing) as server:
        Timer(MIDDLE_S, setattr, (server, "release", 8)).start()
        done = triptych(
            *("loadtest", "rollout", "--url", server.grpc_url, "--rate", 50, "--json", "--out", tmp_path / "run"),
            *UPGRADE,
        )
    assert done.returncode == 4, done.stderr
    told = json.loads(done.stdout)
    print(f"planted: {len(planted)} mixed, {len(failed)} failed; counted: {told['mixed']} mixed, {told['failed']}")
    assert planted
    assert failed
    assert told["mixed"] == len(planted)
    assert told["failed"] == {"unavailable": len(failed)}


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        (("--", "false"), 1, "no request failed, but the command ended with 1"),
        (("--seconds", "5", "--", "sleep", "7"), 6, "the command had not ended with the load; name more --seconds"),
        (("--seconds", "2"), 0, "0 failed, 0 mixed"),
        (("--seconds", "2", "--objective", "p50<1ms"), 4, "an objective was not held: rollout: p50"),
        (("--", "no-such-program"), 3, "no-such-program is no program; name one that rolls out, after --"),
    ],
)
def test_how_it_ends(arguments: tuple[str, ...], status: int, words: str, tmp_path: Path) -> None:
    with FakeServer(answer_s=0.005) as server:
        done = triptych("loadtest", "rollout", "--url", server.http_url, "--out", tmp_path / "run", *arguments)
    assert done.returncode == status, done.stderr
    assert words in done.stderr.splitlines()[-1]
