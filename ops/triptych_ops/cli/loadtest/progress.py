"""How a run stands, said now and then."""

from collections.abc import Callable
from typing import Final

from loadtests.engine import Progress
from loadtests.records import GOOD
from loadtests.statistics import Watch

_LINE_EVERY_S: Final = 5.0


def reporter(step: Callable[[str], None], watch: Watch) -> Callable[[Progress], None]:
    """What says how a run stands, now and then."""
    said_at_s = -_LINE_EVERY_S

    def report(progress: Progress) -> None:
        nonlocal said_at_s
        watch.look(progress.at_s)
        if progress.at_s - said_at_s < _LINE_EVERY_S:
            return
        said_at_s = progress.at_s
        bad = {code: count for code, count in progress.codes.items() if code not in GOOD}
        good = sum(progress.codes.values()) - sum(bad.values())
        latency = "" if progress.p50_s is None else f", half within {progress.p50_s * 1000:.0f} ms"
        wrong = "".join(f", {count} {code}" for code, count in sorted(bad.items()))
        step(f"{progress.at_s:.0f} s, {progress.stage}: {good} answered{latency}{wrong}")

    return report
