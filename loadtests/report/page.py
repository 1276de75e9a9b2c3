"""A report as one page that needs nothing else: no script, no font, no picture from anywhere."""

import shlex
from collections.abc import Iterator, Sequence
from datetime import timedelta
from functools import cache
from typing import Final, NamedTuple

import jinja2
from markupsafe import Markup

from loadtests.profiles import Arrivals, Loop, Stage
from loadtests.records import StageSummary
from loadtests.sample_statistics import CONFIDENCE, METHOD, interval_words

from .charts import charts
from .finding import Finding, State
from .plots import Plot, svg
from .seconds import point_s

_HEADLINES: Final = {
    State.HELD: "Every objective was held.",
    State.BREACHED: "An objective was not held.",
    State.INCONCLUSIVE: "This run says nothing of the server.",
    State.FAILED: "The run failed.",
}
_PHASES: Final = ("queue", "input", "infer", "output")


class _Drawn(NamedTuple):
    plot: Plot
    svg: Markup


def page(finding: Finding) -> str:
    """The HTML."""
    drawn = [_Drawn(plot, Markup(svg(plot))) for plot in charts(finding)]  # noqa: S704  escaped where it is made
    return (
        _templates()
        .get_template("report.html.j2")
        .render(
            finding=finding,
            run=finding.stored.run,
            headline=_HEADLINES[finding.state],
            highlights=list(_highlights(finding)),
            drawn=[each for each in drawn if each.svg],
            phases=_PHASES,
            intervals=f"{CONFIDENCE:.0%} interval by {METHOD}",
            point_s=point_s(finding.stored.samples),
            longest_s=max((member.queue_s + member.compute_s for member in finding.members), default=0.0),
            lasted=timedelta(seconds=round(finding.stored.ending.seconds if finding.stored.ending else 0)),
            codes=sorted({code for stage in finding.stages for code in stage.codes}),
        )
    )


def _highlights(finding: Finding) -> Iterator[tuple[str, str]]:
    measured = [stage for stage in finding.stages if stage.measured and stage.offered]
    if not measured:
        return
    offered, good = sum(stage.offered for stage in measured), sum(stage.good for stage in measured)
    yield "requests/s due at most, of a stage", f"{max(stage.offered / stage.seconds for stage in measured):.1f}"
    yield "images/s at most, of a stage", f"{max(stage.images_per_s for stage in measured):.1f}"
    yield from _slowest(measured)
    yield f"answered rightly; {interval_words(good / offered, offered)}", f"{good:,} of {offered:,}"
    yield "failed", f"{sum(stage.sent - stage.good for stage in measured):,}"
    yield "dropped", f"{sum(stage.dropped for stage in measured):,}"
    yield "sent late", f"{sum(stage.late for stage in measured):,}"


def _slowest(measured: Sequence[StageSummary]) -> Iterator[tuple[str, str]]:
    for name, values in (
        ("median, slowest stage", [stage.p50_s for stage in measured]),
        ("99th percentile, slowest stage", [stage.p99_s for stage in measured]),
    ):
        known = [value for value in values if value is not None]
        yield name, _milliseconds(max(known)) if known else "-"


def _milliseconds(value_s: float | None) -> str:
    return "-" if value_s is None else f"{value_s * 1000:,.1f} ms"


def _load(stage: Stage) -> str:
    """Return what a stage did: "spike: 20 requests/s for 2.7 s"."""
    match stage.load:
        case Arrivals(per_s, spacing, to_per_s):
            rate = f"{per_s:.4g} requests/s" if to_per_s is None else f"{per_s:.4g} to {to_per_s:.4g} requests/s"
            load = f"{rate}, evenly spaced" if spacing == "constant" else rate
        case Loop(users):
            load = f"{users} {'user' if users == 1 else 'users'} in a closed loop"
    images = f", {stage.images} images each" if stage.images > 1 else ""
    return f"{stage.name}: {load}{images}, for {stage.seconds:.1f} s"


@cache
def _templates() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("loadtests.report"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.filters.update(ms=_milliseconds, load=_load, command=shlex.join)
    return environment
