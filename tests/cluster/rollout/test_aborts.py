"""Case 33: abort, wherever the rollout is and although whoever drove it is dead."""

import threading
import time

import pytest

from cluster.driven import Driven, now
from cluster.tracks import NAME, Tracks
from triptych_ops.rollout import operations
from triptych_ops.rollout.cluster import Access
from triptych_ops.rollout.state import Act, Phase

WITHIN_S = 10.0
STABLE_PODS = 2
STATES = (
    Phase.PREPARING,
    Phase.CHECKING,
    Phase.SCALING,
    Phase.SHIFTING,
    Phase.OBSERVING,
    Phase.PROMOTING,
    Phase.RETURNING,
)


class Watched:
    """The fewest pods that the stable track was told to have, and that served, until this is left."""

    def __init__(self, tracks: Tracks) -> None:
        self._access = Access.from_kubeconfig(tracks.kubeconfig())
        self._path = f"/apis/apps/v1/namespaces/{tracks.kubectl.namespace}/deployments/{NAME}-stable"
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._watch)
        self.least = self.least_available = STABLE_PODS

    def __enter__(self) -> "Watched":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._done.wait(0.1):
            found = self._access.get(self._path)
            self.least = min(self.least, found["spec"]["replicas"])
            self.least_available = min(self.least_available, found["status"].get("availableReplicas", 0))


@pytest.mark.timeout(600)
def test_case_33_from_any_state_all_traffic_is_on_stable_in_time(tracks: Tracks) -> None:
    driven = Driven.of(tracks)
    took: dict[str, float] = {}
    with Watched(tracks) as watched:
        for state in STATES:
            driven.begin()
            driven.until(state)
            took[state] = _aborted(tracks)
        driven.begin()
        driven.until(Phase.OBSERVING)
        driven.change(lambda found: operations.pause(found, by="test", at=now(), why="lunch"))
        took["paused"] = _aborted(tracks)
        driven.begin()
        driven.until(Phase.OBSERVING)
        driven.verdict = Act.ABORT
        driven.until(Phase.ABORTING)  # killed while it went back
        took["aborting"] = _aborted(tracks)
    before = tracks.versions()
    again = tracks.run(tracks.command("abort"))
    assert again.returncode == 0
    assert tracks.versions() == before
    assert (watched.least, watched.least_available) == (STABLE_PODS, STABLE_PODS)
    slowest = max(took, key=lambda state: took[state])
    assert took[slowest] <= WITHIN_S
    print(
        f"case 33: aborted in {len(took)} states with nobody driving: all traffic on stable within "
        f"{took[slowest]:.1f} s ({slowest}); a second abort wrote nothing; stable kept its {watched.least} pods"
    )


def test_a_candidate_that_keeps_traffic_is_noticed(tracks: Tracks) -> None:
    """The control: nobody aborts."""
    driven = Driven.of(tracks)
    driven.begin()
    driven.until(Phase.OBSERVING)
    assert not _is_all_stable(tracks)


def _aborted(tracks: Tracks) -> float:
    """Abort it as an operator does; seconds until all traffic was on the stable track, the command's start included."""
    began = time.monotonic()
    with tracks.begun(tracks.command("abort", "--why", "test")) as process:
        while not _is_all_stable(tracks):
            assert time.monotonic() - began < 6 * WITHIN_S, f"weights {tracks.weights()}, {tracks.record()}"
            time.sleep(0.05)
        took_s = time.monotonic() - began
        output, errors = process.communicate(timeout=60)
        assert process.returncode == 0, output + errors
    assert _is_all_stable(tracks)
    assert tracks.replicas("candidate") == 0
    return took_s


def _is_all_stable(tracks: Tracks) -> bool:
    return (
        tracks.weights() == [0, 0]
        and tracks.release("stable") == "7"
        and tracks.phase() in ("aborting", "clearing", "aborted")
    )
