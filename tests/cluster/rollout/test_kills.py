"""Case 26: the command is killed again and again; run again, it ends as if nobody had."""

import subprocess
import time

import pytest

from cluster.driven import Driven
from cluster.tracks import Tracks, steps
from triptych_ops.rollout.errors import UnreachableError
from triptych_ops.rollout.state import Rollout

LEAST_KILLS = 12
SHARES = (5, 10, 25, 50, 75, 100)
_RUN_S = 60


@pytest.mark.timeout(600)
def test_case_26_killed_at_every_step_it_ends_as_if_nobody_had(tracks: Tracks) -> None:
    driven, arguments = Driven.of(tracks), tracks.start(plan=tracks.plan(steps=steps(*SHARES)))
    places: list[str] = []
    while True:
        with tracks.begun(arguments) as process:
            place = _killed_after(driven, process, changes=1 + len(places) % 2)
            if place is None:
                output, errors = process.communicate()
                assert process.returncode == 0, output + errors
                break
        places.append(place)
        assert driven.rollout.ended is (place in ("promoted",))
    assert len(places) >= LEAST_KILLS, places
    assert (tracks.phase(), tracks.weights(), tracks.release("stable")) == ("promoted", [0, 0], "8")
    assert (tracks.release("candidate"), tracks.replicas("candidate"), tracks.replicas("stable")) == ("7", 0, 2)
    acts = [decision.act for decision in driven.rollout.decisions]
    assert acts == ["start", *["pass"] * (len(SHARES) + 2), "end"]
    before = tracks.versions()
    done = tracks.run(arguments)
    assert done.returncode == 0, done.stderr
    assert tracks.versions() == before
    print(
        f"case 26: killed -9 {len(places)} times, in {len(set(places))} different steps; run again it ended as "
        f"one that was never killed, each decision made once; run once more it wrote nothing"
    )


def _killed_after(driven: Driven, process: "subprocess.Popen[str]", *, changes: int) -> str | None:
    """Kill it once the record has changed so often; where it was, or None where it ended before."""
    seen, changed, deadline = _state(driven), 0, time.monotonic() + _RUN_S
    while process.poll() is None:
        assert time.monotonic() < deadline, "it does not go on"
        found = _state(driven)
        if found != seen:
            seen, changed = found, changed + 1
        if changed >= changes and found is not None:
            process.kill()
            process.wait()
            rollout = driven.rollout
            return f"{rollout.phase}{rollout.step}" if not rollout.ended else str(rollout.phase)
    return None


def _state(driven: Driven) -> Rollout | None:
    try:
        current = driven.cluster.read()[0].current
    except UnreachableError:
        return None
    return current
