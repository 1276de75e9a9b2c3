"""Readings of a server's statistics during a run, so that each stage has its own: lines of `statistics.jsonl`."""

import json
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from loadtests.profiles import Profile

from .members import Member, between

FILE: Final = "statistics.jsonl"
EVERY_S: Final = 1.0


@dataclass(frozen=True, slots=True)
class Reading:
    """What the server said at a second of the run: name of a member -> its counters as JSON."""

    at_s: float
    members: Mapping[str, Any]


class Watch:
    """Asks now and then, and appends what it is told to a run's folder. Who does not tell is not asked again."""

    def __init__(self, folder: Path, ask: Callable[[], Mapping[str, object]]) -> None:
        self._file = folder / FILE
        self._ask = ask
        self._next_s = 0.0
        self._tells = True

    def look(self, at_s: float) -> None:
        """Take a reading at this second of the run, if the last one is long enough ago."""
        if not self._tells or at_s < self._next_s:
            return
        self._next_s = at_s + 0.9 * EVERY_S  # seconds are told by several processes, none of them to the millisecond
        members = self._ask()
        self._tells = bool(members)
        if members:
            with self._file.open("a") as file:
                file.write(json.dumps({"at_s": round(at_s, 3), "members": members}) + "\n")


def readings(folder: Path) -> list[Reading]:
    """What was read during a run, in order; a last half line is left out."""
    file = folder / FILE
    lines = file.read_text().splitlines(keepends=True) if file.exists() else []
    documents = [json.loads(line) for line in lines if line.endswith("\n")]
    return sorted((Reading(each["at_s"], each["members"]) for each in documents), key=lambda each: each.at_s)


def by_stage(profile: Profile, seen: Sequence[Reading]) -> dict[str, list[Member]]:
    """The members during each stage, between the first and the last reading in it; of shorter stages, none."""
    found, begins_s = dict[str, list[Member]](), 0.0
    moments_s = [each.at_s for each in seen]
    for stage in profile.stages:
        ends_s = begins_s + stage.seconds
        first, last = bisect_left(moments_s, begins_s), bisect_right(moments_s, ends_s) - 1
        if first < last:
            seconds = seen[last].at_s - seen[first].at_s
            found[stage.name] = between(seen[first].members, seen[last].members, seconds=seconds)
        begins_s = ends_s
    return {name: members for name, members in found.items() if members}
