"""Is one server much worse than the others? Pure."""

from collections import deque
from collections.abc import Iterable

from ..config import Ejection

_LEAST_AGAIN = 3  # answers that convict a server that was an outlier before


class Record:
    """How one server's last answers ended."""

    def __init__(self, policy: Ejection) -> None:
        self._horizon_s = policy.horizon_s
        self._ends: deque[tuple[float, bool]] = deque(maxlen=policy.window)  # (when, failed)

    def add(self, now: float, *, failed: bool) -> None:
        """One more answer."""
        self._ends.append((now, failed))

    def clear(self) -> None:
        """Forget them all."""
        self._ends.clear()

    def counts(self, now: float) -> tuple[int, int]:
        """(answers, failed ones) that are recent enough to count."""
        recent = [failed for when, failed in self._ends if when >= now - self._horizon_s]
        return len(recent), sum(recent)


def is_outlier(
    policy: Ejection, own: tuple[int, int], others: Iterable[tuple[int, int]], *, was_before: bool = False
) -> bool:
    """Whether (answers, failed ones) of a server are an outlier among the others'; see `Ejection`."""
    answers, failed = own
    if answers < (min(_LEAST_AGAIN, policy.least) if was_before else policy.least):
        return False
    share = failed / answers
    others_answers, others_failed = (sum(column) for column in zip((0, 0), *others, strict=True))
    others_share = others_failed / others_answers if others_answers else 0.0
    return share >= policy.ratio and share >= policy.factor * others_share


def rest_s(policy: Ejection, ejections: int) -> float:
    """Seconds of the `ejections`-th rest: min(cap_s, base_s * 2^(ejections - 1))."""
    return min(policy.cap_s, policy.base_s * 2.0 ** min(ejections - 1, 60))
