"""Case 1: a python stub is killed under load, beside a second server that is well."""

import time
from functools import partial

from traffic.closed import Load

from .served import Watched, await_true, closed, serves

MEMBERS = ("preprocess", "classifier", "postprocess")
UNREADY_WITHIN_S = 10.0
SERVING_WITHIN_S = 30.0
CLIENT_BACK_WITHIN_S = 5.0  # a client that met a dead server asks it less often for a while


def test_a_killed_stub_is_replaced(servers: tuple[Watched, Watched]) -> None:
    first, second = servers
    urls = [first.ports.grpc_url, first.ports.http_url]
    unready_s, serving_s = [], []
    over_both = [[one.ports.grpc_url for one in servers], [one.ports.http_url for one in servers]]
    with Load(urls) as load, Load([second.ports.grpc_url]) as beside, Load(over_both) as both:
        for member in MEMBERS:
            time.sleep(1)
            killed_s = time.monotonic()
            first.living_stubs()[member].kill()
            unready = await_true(
                partial(closed, first.ports), since_s=killed_s, within_s=UNREADY_WITHIN_S, what="not ready"
            )
            serving = await_true(
                partial(serves, first.ports), since_s=killed_s, within_s=SERVING_WITHIN_S, what="serving again"
            )
            assert first.heard(f"the stub of {member} (instance {member}_0_", since_s=killed_s, within_s=1) > 0
            first.heard("serving again after ", since_s=killed_s, within_s=SERVING_WITHIN_S)
            unready_s.append(unready)
            serving_s.append(serving)
        time.sleep(CLIENT_BACK_WITHIN_S)
        back_s = time.monotonic()
        time.sleep(1)
    late = [one for one in load.calls if one.began_s >= back_s]
    assert late
    assert all(one.right for one in late), load.outcomes()
    assert not [one for one in load.calls if one.wrong], load.outcomes()
    assert beside.outcomes().keys() == {"right"}, beside.outcomes()
    assert load.outcomes().keys() > {"right"}, "one server alone lost nothing: the stub was not missed"
    assert both.outcomes().keys() == {"right"}, both.outcomes()
    print(
        f"case 1: not ready {max(unready_s):.1f} s after a stub was killed (<= {UNREADY_WITHIN_S:g}), "
        f"serving again after {max(serving_s):.1f} s (<= {SERVING_WITHIN_S:g}); "
        f"{len(load.calls)} calls, {load.outcomes()['right']} answers, 0 of them wrong; "
        f"the other server answered {len(beside.calls)} of {len(beside.calls)}, "
        f"clients of both had {len(both.calls)} of {len(both.calls)} answers"
    )
