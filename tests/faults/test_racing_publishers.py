"""Case 11: two publishers, one number."""

import re
import time
from collections.abc import Callable
from typing import Any

import pytest

from triptych_ops.release import Store

pytestmark = pytest.mark.server
Publisher = Any
_RACES = 100
_LEAD_S = 3.0  # for both to import, and to connect
_EVERY_S = {"folder": 0.08, "bucket": 0.3}


def test_case_11_one_of_two_publishers_wins_and_the_other_is_told_by_whom(
    location: Callable[[], str], publisher: Callable[[str], Publisher]
) -> None:
    store = location()
    kind = "bucket" if store.startswith("s3://") else "folder"
    with Store(store).staging():  # makes the folder, which the watcher wants to be there
        pass
    racers = {user: publisher(user) for user in ("ann@host", "bob@host")}
    watcher = publisher("eve@host")
    start = time.time() + _LEAD_S
    for racer in racers.values():
        racer.begin("race", store=store, races=_RACES, start=start, every_s=_EVERY_S[kind])
    watcher.begin("watch", store=store, until=start + _RACES * _EVERY_S[kind])
    told = {user: racer.end()["output"] for user, racer in racers.items()}
    looks, seen = watcher.end()["output"]

    won = {user: lines.count(None) for user, lines in told.items()}
    found = Store(store)
    assert found.numbers() == list(range(1, _RACES + 1))
    for number in found.numbers():
        (winner,) = [user for user, lines in told.items() if lines[number - 1] is None]
        (line,) = [lines[number - 1] for lines in told.values() if lines[number - 1] is not None]
        assert re.match(rf"release {number} (was|is being) published by {winner} (at|since) .*; build again$", line)
        assert found.release(number).read("repository/model.onnx").decode() == f"{winner} {number}"
    # The controls: either could win, both were in the middle at once, and the watcher was there meanwhile.
    assert min(won.values()) > 0
    assert any("is being published" in line for lines in told.values() for line in lines if line)
    assert seen > _RACES / 4
    print(f"case 11: {_RACES} races in a {kind}: {won} won, {looks} looks at {seen} new releases saw none in part")
