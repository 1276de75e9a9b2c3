"""What the requests of a rollout tell. Pure."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Final

from loadtests.records import DROPPED, MIXED, Sample
from loadtests.sample_statistics import quantiles

SCHEMA_VERSION: Final = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseTraffic:
    """What one release answered.

    answered: good answers; `share` of all good answers that name a release
    first_s, last_s: when its first and its last answer came, from the run's beginning
    p50_s, p99_s: of its good answers' latencies, from the intended time of sending
    """

    release: int
    answered: int
    share: float
    first_s: float
    last_s: float
    p50_s: float
    p99_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class RolloutTraffic:
    """All requests.

    failed:   code -> requests that were sent and came to no right answer, mixed ones aside
    mixed:    answers that no release can have given by itself
    dropped:  not sent: as many as may be were under way
    releases: by number
    by_second: of each second that had answers: the second, and release -> good answers
    """

    sent: int
    failed: Mapping[str, int]
    mixed: int
    dropped: int
    releases: Sequence[ReleaseTraffic]
    by_second: Sequence[tuple[int, Mapping[int, int]]]

    @property
    def is_clean(self) -> bool:
        """Whether every request was sent, answered, and by one release."""
        return not (self.failed or self.mixed or self.dropped)

    def __str__(self) -> str:
        wrong = ", ".join(f"{count} {code}" for code, count in sorted(self.failed.items()))
        failed = f"{sum(self.failed.values())} failed" + (f" ({wrong})" if wrong else "")
        return f"{failed}, {self.mixed} mixed, {self.dropped} dropped of {self.sent + self.dropped} requests"


def traffic(samples: Sequence[Sample]) -> RolloutTraffic:
    """What these samples of a run tell."""
    codes = Counter(sample.code for sample in samples)
    sent = [sample for sample in samples if sample.was_sent]
    named = [sample for sample in sent if sample.is_good and sample.release]
    by_release: dict[int, list[Sample]] = {}
    by_second: dict[int, Counter[int]] = {}
    for sample in named:
        by_release.setdefault(sample.release, []).append(sample)
        by_second.setdefault(int(sample.done_s), Counter())[sample.release] += 1
    return RolloutTraffic(
        sent=len(sent),
        failed=dict(Counter(sample.code for sample in sent if not sample.is_good and sample.code != MIXED)),
        mixed=codes[MIXED],
        dropped=codes[DROPPED],
        releases=[_of(release, own, len(named)) for release, own in sorted(by_release.items())],
        by_second=[(second, dict(sorted(counts.items()))) for second, counts in sorted(by_second.items())],
    )


def _of(release: int, samples: Sequence[Sample], total: int) -> ReleaseTraffic:
    p50_s, p99_s = quantiles([sample.latency_s for sample in samples], (0.50, 0.99))
    came_s = [sample.done_s for sample in samples]
    return ReleaseTraffic(
        release=release,
        answered=len(samples),
        share=len(samples) / total,
        first_s=min(came_s),
        last_s=max(came_s),
        p50_s=p50_s,
        p99_s=p99_s,
    )


def document(found: RolloutTraffic) -> dict[str, object]:
    """As JSON."""
    by_second = [{"at_s": second, "answered": counts} for second, counts in found.by_second]
    return {"schema_version": SCHEMA_VERSION, "kind": "rollout", **asdict(found), "by_second": by_second}
