"""How a run's report is printed, and which exit code it comes to."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from loadtests.objectives import Verdict
from loadtests.records import StageSummary
from loadtests.report import Finding, State, document
from loadtests.sample_statistics import CONFIDENCE, METHOD
from triptych_ops.cli import failures
from triptych_ops.cli.output import print_json, print_table, say, table

EXIT_CODES: Final[Mapping[State, int]] = {
    State.HELD: failures.DONE,
    State.BREACHED: failures.REFUSED,
    State.INCONCLUSIVE: failures.INCONCLUSIVE,
    State.FAILED: failures.FAILED,
}
_STAGES = ("stage", "for", "due", "good", "failed", "dropped", "late", "images/s", "p50 ms", "p95 ms", "p99 ms")
_GIVES_UP = ("for", "late", "images/s", "p95 ms", "due")
_OBJECTIVES = ("objective", "stage", "found", "")


def conclude(finding: Finding, folder: Path, *, as_json: bool) -> int:
    """Print what was found, and say where the rest is; the exit code."""
    if as_json:
        found = document(finding)
        print_json({**found, "folder": str(folder)})
    else:
        _print_stages(finding.stages)
        if finding.verdicts:
            _print_verdicts(finding.verdicts)
        if finding.state is not State.FAILED:
            say(finding.bottleneck)
    if finding.state in {State.FAILED, State.INCONCLUSIVE}:
        say(f"triptych: {finding.reason}")
    elif finding.state is State.BREACHED:
        broken = [verdict for verdict in finding.verdicts if not verdict.held]
        more = f", and {len(broken) - 1} more" if len(broken) > 1 else ""
        say(f"triptych: an objective was not held: {broken[0]}{more}")
    say(f"report in {folder / 'report.html'}")
    return EXIT_CODES[finding.state]


def _print_stages(found: Sequence[StageSummary]) -> None:
    shown = table(*_STAGES, right=_STAGES[1:], gives_up=_GIVES_UP)
    for each in found:
        name = each.stage if each.measured else f"({each.stage})"
        counts = (each.offered, each.good, each.sent - each.good, each.dropped, each.late)
        latencies = (_milliseconds(value) for value in (each.p50_s, each.p95_s, each.p99_s))
        shown.add_row(name, f"{each.seconds:.1f} s", *map(str, counts), f"{each.images_per_s:.1f}", *latencies)
    print_table(shown)


def _print_verdicts(verdicts: Sequence[Verdict]) -> None:
    rows = table(*_OBJECTIVES, right=("found",))
    for each in verdicts:
        rows.add_row(str(each.objective), each.stage, each.found, "held" if each.held else "NOT HELD")
    print_table(rows)
    if any(each.interval for each in verdicts):
        say(f"in brackets: {CONFIDENCE:.0%} interval by {METHOD}; objectives are judged by the value itself")


def _milliseconds(value_s: float | None) -> str:
    return "-" if value_s is None else f"{value_s * 1000:.1f}"
