"""Case 27: the API server is away for a minute in the middle of a rollout."""

import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from cluster.acting import acting
from cluster.control_plane import ControlPlane, control_plane
from cluster.data_path import data_path
from cluster.kubectl import Kubectl
from cluster.layout import Layout
from cluster.programs import Tools
from cluster.tools import fetch_tools
from cluster.tracks import Tracks, steps

OUTAGE_S = 60.0
MIDDLE = 50
PATIENCE_S = 20.0  # of the middle step: shorter than the outage, so that whoever could go on would
LIMIT_S = 30.0
_REACHED_S = 60


@pytest.fixture(scope="module")
def tools(layout: Layout) -> Tools:
    return fetch_tools(layout.cache, say=print)


@pytest.fixture(scope="module")
def plane(tools: Tools, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    """Ours alone: nobody else's tests stop with it."""
    with control_plane(tools, tmp_path_factory.mktemp("plane")) as started, acting(started.kubectl):
        yield started


@pytest.mark.timeout(400)
def test_case_27_nothing_changes_while_the_api_server_is_away(
    plane: ControlPlane, tools: Tools, tmp_path: Path
) -> None:
    with ExitStack() as stack:
        patient, wary = (_tracks(plane, tmp_path, name) for name in ("patient", "wary"))
        path = stack.enter_context(data_path(tools.traefik, patient.kubectl, tmp_path))
        drivers = [
            stack.enter_context(_in_the_middle(tracks, outage_s=limit_s))
            for tracks, limit_s in ((patient, None), (wary, LIMIT_S))
        ]
        time.sleep(1)
        began, began_s = datetime.now(UTC), time.monotonic()
        with plane.frozen():
            time.sleep(OUTAGE_S)
        ended, ended_s = datetime.now(UTC), time.monotonic()
        statuses = [_ended(driver) for driver in drivers]
    meanwhile = path.between(began_s, ended_s)
    failed = [each for each in path.answers if each.said.startswith("failed")]
    share = meanwhile.count("candidate") / len(meanwhile)
    taken = [each for tracks in (patient, wary) for each in _decided(tracks, began, ended)]
    print(
        f"case 27: API server away for {ended_s - began_s:.0f} s at {MIDDLE} %: {len(taken)} decisions meanwhile, "
        f"{len(failed)} of {len(path.answers)} requests failed, the candidate kept {share:.0%} of {len(meanwhile)}; "
        f"then {patient.phase()}, and with outage_s {LIMIT_S:g} {wary.phase()}"
    )
    assert taken == []
    assert failed == []
    assert share == pytest.approx(MIDDLE / 100, abs=0.05)
    assert (patient.phase(), wary.phase()) == ("promoted", "aborted")
    assert statuses == [0, 4]
    for tracks in (patient, wary):
        assert any(
            "the cluster could not be asked for" in each["why"] for each in tracks.record()["current"]["decisions"]
        )
    assert (wary.weights(), wary.release("stable"), wary.replicas("candidate")) == ([0, 0], "7", 0)


def test_without_an_outage_the_same_time_is_enough_for_a_step(plane: ControlPlane, tmp_path: Path) -> None:
    """The control: it was the outage that held it."""
    tracks = _tracks(plane, tmp_path, "control")
    with _in_the_middle(tracks, outage_s=None):
        began, began_s = datetime.now(UTC), time.monotonic()
        while "pass" not in _decided(tracks, began, datetime.now(UTC)):
            assert time.monotonic() < began_s + OUTAGE_S
            time.sleep(0.5)


def _tracks(plane: ControlPlane, folder: Path, name: str) -> Tracks:
    plane.kubectl("create", "namespace", name)
    made = Tracks(Kubectl(plane.kubectl.kubeconfig, name), folder / name)
    made.folder.mkdir()
    made.set_up()
    return made


@contextmanager
def _in_the_middle(tracks: Tracks, *, outage_s: float | None) -> Iterator["subprocess.Popen[str]"]:
    """A rollout that has come to the middle step."""
    shares = [*steps(5), *steps(MIDDLE, least_s=PATIENCE_S), *steps(100)]
    with tracks.begun(tracks.start(plan=tracks.plan(steps=shares, outage_s=outage_s, look_every_s=1))) as process:
        deadline = time.monotonic() + _REACHED_S
        while tracks.phase() != "observing" or tracks.weights() != [MIDDLE, MIDDLE]:
            assert process.poll() is None, process.communicate()
            assert time.monotonic() < deadline, tracks.record()
            time.sleep(0.1)
        yield process


def _decided(tracks: Tracks, after: datetime, before: datetime) -> list[str]:
    """The decisions in this time."""
    decisions = tracks.record()["current"]["decisions"]
    return [each["act"] for each in decisions if after < datetime.fromisoformat(each["at"]) < before]


def _ended(process: "subprocess.Popen[str]") -> int:
    process.communicate(timeout=120)
    return process.returncode
