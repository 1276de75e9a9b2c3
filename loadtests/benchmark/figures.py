"""Figures out of samples. Pure.

Ratios are taken within a round, between contestants that had their turns one after the other, and then the median over
the rounds: a busy moment of the machine meets both sides. A figure is None where nothing was measured for it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from loadtests import sample_statistics

from .samples import Results
from .scenarios import LEVELS, LIMIT


@dataclass(frozen=True, slots=True)
class Spread:
    """The median over the rounds, with the least and the most."""

    median: float
    least: float
    most: float


def spread(values: Iterable[float]) -> Spread | None:
    """None of no values."""
    found = list(values)
    return Spread(sample_statistics.median(found), min(found), max(found)) if found else None


def median(values: Iterable[float]) -> float | None:
    """None of no values."""
    found = spread(values)
    return found.median if found else None


def percentile(values: Sequence[float], share: float) -> float | None:
    """Return the quantile of this share, as `sample_statistics` defines it; None of no values."""
    return sample_statistics.quantile(values, share) if values else None


def throughput(results: Results, contestant: str, scenario: str) -> Spread | None:
    """Images a second."""
    return spread(sample.load.per_s for sample in results.of(contestant, scenario).values())


def latency_s(results: Results, contestant: str, scenario: str, share: float) -> float | None:
    """A percentile of the latencies of all rounds together."""
    samples = results.of(contestant, scenario).values()
    return percentile([latency for sample in samples for latency in sample.load.latencies_s], share)


def speed_ratio(results: Results, first: str, second: str, scenario: str) -> float | None:
    """How fast the first is, of the second."""
    pairs = results.pairs(first, second, scenario)
    return median(ours.load.per_s / theirs.load.per_s for ours, theirs in pairs if theirs.load.per_s)


def slowest_ratio(results: Results, first: str, others: Sequence[str], scenario: str) -> float | None:
    """How fast the first is, of the fastest of the others."""
    ratios = (speed_ratio(results, first, other, scenario) for other in others)
    return min((ratio for ratio in ratios if ratio is not None), default=None)


def ratio_to_peak(results: Results, contestant: str, scenario: str) -> float | None:
    """Throughput under a load, of the best under any; each of the limit's in the same round, as machines drift."""
    levels = [level.name for level in LEVELS if level.connections > 1]  # with one the limit has one core alone
    shares = {level: speed_ratio(results, contestant, LIMIT, level) for level in levels}
    measured = [share for share in shares.values() if share]
    own = shares.get(scenario)
    return own / max(measured) if own is not None and len(measured) > 1 else None


def tail_ratio(results: Results, contestant: str, scenario: str) -> float | None:
    """p99 of p50."""
    p50, p99 = (latency_s(results, contestant, scenario, share) for share in (0.5, 0.99))
    return p99 / p50 if p50 and p99 else None


def added_latency_s(results: Results, contestant: str, reference: str, scenario: str) -> float | None:
    """How much later than the reference half of the answers come."""
    pairs = results.pairs(contestant, reference, scenario)
    halves = ([percentile(sample.load.latencies_s, 0.5) for sample in pair] for pair in pairs)
    return median(ours - theirs for ours, theirs in halves if ours is not None and theirs is not None)


def most_added_latency_s(results: Results, contestant: str, references: Sequence[str], scenario: str) -> float | None:
    """How much later than the soonest of the references half of the answers come."""
    added = (added_latency_s(results, contestant, reference, scenario) for reference in references)
    return max((each for each in added if each is not None), default=None)


def longest_start_s(results: Results, contestant: str) -> float | None:
    """From the command to the first true answer."""
    return max(results.starts_s.get(contestant, ()), default=None)


def most_memory_bytes(results: Results, contestant: str) -> int | None:
    """Proportional set size of all of a contestant's processes, after any load."""
    return max((s.memory_bytes for s in results.samples if s.contestant == contestant), default=None)


def errors(results: Results, *contestants: str) -> int:
    """Answers that were wrong or none."""
    return sum(sum(sample.load.errors.values()) for sample in results.samples if sample.contestant in contestants)


def generator_s_per_request(results: Results, contestant: str, scenario: str) -> float | None:
    """CPU time that the load generator takes."""
    return median(sample.load.generator_s_per_request for sample in results.of(contestant, scenario).values())


def idle_share(results: Results) -> float | None:
    """What those whose turn it is not take of a core, on average."""
    shares = [sample.others_cpu_share for sample in results.samples]
    return sum(shares) / len(shares) if shares else None
