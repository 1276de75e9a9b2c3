"""The candidate's pods, as gates ask them."""

from collections.abc import Callable, Sequence
from typing import Final

from ..course import GateResult
from ..state import Act

Addresses = Callable[[], Sequence[str | None]]

TIMEOUT_S: Final = 10.0
"""For one request."""


def reachable(urls: Sequence[str | None], wanted: int) -> GateResult | None:
    """HOLD where a pod is missing, or has no address yet; None where all can be asked."""
    known = sum(url is not None for url in urls)
    if known < max(wanted, len(urls)):
        return GateResult("pods", Act.HOLD, f"{known} of {max(wanted, len(urls))} pods have an address")
    return None
