"""Two runs, stage by stage and figure by figure."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np

from loadtests.errors import ComparisonError
from loadtests.objectives import Unit
from loadtests.profiles import Arrivals, Stage
from loadtests.records import Sample, StoredRun
from loadtests.records.summary import GRACE_S
from loadtests.report import Finding, State, found_in

from .resampling import LEAST_BLOCKS, Block, Change, Figure, Margin, Mean, Quantile, Scale, blocks_of, change

_MARGIN: Final = Margin()


class Word(StrEnum):
    """What the two runs show of a figure."""

    SAME = "same"  # shown: the whole interval is within the margin
    BETTER = "better"  # shown, and by more than the margin
    WORSE = "worse"  # shown, and by more than the margin
    SMALL = "within the margin"  # shown to differ, by an estimate within the margin
    NOT_SHOWN = "not shown to differ"  # nor shown to be the same: the runs do not tell


class _Figure(NamedTuple):
    """How a figure is taken from the values of requests; of a request without a value it is not asked."""

    unit: Unit
    less_is_better: bool
    value: Callable[[Sample, float], float | None]
    of: Figure
    open_only: bool = False
    least: float = 0.0


def _latency(sample: Sample, _ends_s: float) -> float | None:
    return sample.latency_s if sample.has_latency else None


FIGURES: Final[Mapping[str, _Figure]] = {
    "p50": _Figure(Unit.SECONDS, True, _latency, Quantile(0.50)),
    "p95": _Figure(Unit.SECONDS, True, _latency, Quantile(0.95)),
    "p99": _Figure(Unit.SECONDS, True, _latency, Quantile(0.99)),
    "errors": _Figure(Unit.RATIO, True, lambda sample, _: float(not sample.is_good), Mean(), least=0.001),
    "achieved": _Figure(
        Unit.RATIO,
        False,
        lambda sample, ends_s: float(sample.is_good and sample.done_s <= ends_s + GRACE_S),
        Mean(),
        open_only=True,
        least=0.01,
    ),
}
"""As of objectives. `least` is the margin of a share: a difference that does not matter."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One figure of one stage."""

    stage: str
    figure: str
    unit: Unit
    change: Change
    word: Word


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """What changed from the first to the second.

    differences: what else is not the same in both, in words; a change may come from it
    """

    first: Finding
    second: Finding
    rows: Sequence[Row]
    differences: Sequence[str]

    @property
    def regressions(self) -> list[Row]:
        """What got worse by more than chance and by more than the margin."""
        return [row for row in self.rows if row.word is Word.WORSE]


def compared(first: Path, second: Path, *, margin: Margin = _MARGIN) -> Comparison:
    """Compare the stages that both have, of the same load.

    Raises:
        RecordError: one is no record.
        ComparisonError: they have no stage in common, one says nothing of its server, or is too short.
    """
    findings = [found_in(first), found_in(second)]
    for folder, finding in zip((first, second), findings, strict=True):
        if finding.state in {State.INCONCLUSIVE, State.FAILED}:
            raise ComparisonError(f"{folder} says nothing of its server: {finding.reason}")
    before, after = (finding.stored for finding in findings)
    stages = _common(before, after)
    if not stages:
        raise ComparisonError(f"{first} and {second} have no measured stage of the same load; run one profile twice")
    wanted = [(stage, name, each) for stage in stages for name, each in FIGURES.items() if _fits(each, stage)]
    rows = []
    for stage, name, figure in wanted:
        cut = [_blocks(stored, stage, figure) for stored in (before, after)]
        if not all(cut):  # not one good answer: the errors say so
            continue
        if min(map(len, cut)) < LEAST_BLOCKS:
            raise ComparisonError(f"stage {stage.name!r} has requests in too few stretches of time; run longer")
        found = change(cut[0], cut[1], figure.of, figures=len(wanted))
        word = _word(found, figure, margin)
        rows.append(Row(stage=stage.name, figure=name, unit=figure.unit, change=found, word=word))
    return Comparison(first=findings[0], second=findings[1], rows=rows, differences=_differences(before, after))


def _common(before: StoredRun, after: StoredRun) -> list[Stage]:
    of_after = {stage.name: stage for stage in after.run.profile.stages}
    return [stage for stage in before.run.profile.stages if stage.measured and of_after.get(stage.name) == stage]


def _fits(figure: _Figure, stage: Stage) -> bool:
    return not figure.open_only or isinstance(stage.load, Arrivals)


def _blocks(stored: StoredRun, stage: Stage, figure: _Figure) -> list[Block]:
    begins_s = 0.0
    for each in stored.run.profile.stages:
        if each.name == stage.name:
            break
        begins_s += each.seconds
    ends_s = begins_s + stage.seconds
    seen = [
        (sample.intended_s, value)
        for sample in stored.samples
        if sample.stage == stage.name and (value := figure.value(sample, ends_s)) is not None
    ]
    if not seen:
        return []
    times_s, values = np.array(seen).T
    return blocks_of(times_s, values, begins_s=begins_s, seconds=stage.seconds)


def _word(found: Change, figure: _Figure, margin: Margin) -> Word:
    least = figure.least if found.scale is Scale.DIFFERENCE else margin.ratio
    if not found.is_significant:
        return Word.SAME if found.is_within(least) else Word.NOT_SHOWN
    if found.is_small(least):
        return Word.SMALL
    return Word.BETTER if (found.change < found.none) == figure.less_is_better else Word.WORSE


def _differences(before: StoredRun, after: StoredRun) -> list[str]:
    pairs = {
        "protocol": (before.run.protocol, after.run.protocol),
        "pictures": (dict(before.run.pictures), dict(after.run.pictures)),
        "version of triptych": (before.run.version, after.run.version),
        "generator processes": (before.run.processes, after.run.processes),
        "cores": (before.run.cores, after.run.cores),
        "seed": (before.run.seed, after.run.seed),
    }
    return [f"{name}: {one}, then {other}" for name, (one, other) in pairs.items() if one != other]
