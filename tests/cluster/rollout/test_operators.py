"""Case 31: of two operators one drives; where that one dies, another takes over in time."""

import subprocess
import time
from datetime import datetime

from cluster.driven import Driven
from cluster.tracks import Tracks, steps
from triptych_ops.rollout.lease import Held, Lease

TAKEOVER_S = 20.0
_LONG = 30.0
_START_S = 30


def test_case_31_of_two_operators_one_drives_and_a_dead_one_is_followed(tracks: Tracks) -> None:
    driven = Driven.of(tracks)
    arguments = tracks.start(plan=tracks.plan(steps=steps(5, least_s=_LONG)))
    with tracks.begun(arguments) as first, tracks.begun(arguments) as second:
        ended = _first_to_end(first, second)
        _, errors = ended.communicate()
        assert ended.returncode == 4
        assert "drives this rollout" in errors
        driver = first if ended is second else second
        assert driver.poll() is None
        killed = driven.leases.read()
        driver.kill()
        died = time.monotonic()
    with tracks.begun(arguments) as third:
        while (found := driven.leases.read()).holder in (None, killed.holder):
            assert time.monotonic() - died < 2 * TAKEOVER_S, "nobody takes over"
            time.sleep(0.05)
        took_s = time.monotonic() - died
        assert str(third.pid) in str(found.holder)
        assert took_s <= TAKEOVER_S
        renewed = _renewed(tracks)
        time.sleep(3)
        assert _renewed(tracks) > renewed
    print(f"case 31: of 2 operators 1 drove, the other was told who; its holder killed, the next after {took_s:.1f} s")


def test_a_lease_that_lets_everybody_in_is_noticed(tracks: Tracks) -> None:
    """The control: a Lease that takes no version for an answer lets two drive at once."""
    driven = Driven.of(tracks)

    class Careless:
        read = driven.leases.read

        @staticmethod
        def write(holder: str | None, *, over: Held) -> Held:  # noqa: ARG004
            return driven.leases.write(holder, over=driven.leases.read())

    careless, other = Lease(Careless(), "one"), Lease(Careless(), "two")
    careless.take(within_s=1)
    driven.leases.write(None, over=driven.leases.read())  # so that the second finds it free
    other.take(within_s=1)
    careless.renew()
    assert careless.sure
    assert other.sure


def _first_to_end(*processes: "subprocess.Popen[str]") -> "subprocess.Popen[str]":
    deadline = time.monotonic() + _START_S
    while time.monotonic() < deadline:
        for process in processes:
            if process.poll() is not None:
                return process
        time.sleep(0.05)
    raise AssertionError("both drive")


def _renewed(tracks: Tracks) -> datetime:
    lease = tracks.kubectl.get("lease", "test-triptych-rollout")
    return datetime.fromisoformat(lease["spec"]["renewTime"])
