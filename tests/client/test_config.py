import math
from collections.abc import Callable
from dataclasses import FrozenInstanceError, fields
from typing import Any

import pytest

from triptych import BackOff, Breaker, Ejection, Hedging, Keepalive, Resilience, Retry

PIECES: tuple[Callable[..., Any], ...] = (Retry, BackOff, Ejection, Breaker, Keepalive)
SECONDS = [
    *((Retry, name) for name in ("base_s", "cap_s")),
    *((BackOff, name) for name in ("base_s", "cap_s")),
    *((Ejection, name) for name in ("horizon_s", "base_s", "cap_s")),
    *((Breaker, name) for name in ("open_s", "patience_s")),
    *((Keepalive, name) for name in ("time_s", "timeout_s")),
    (Hedging, "after_s"),
    (Resilience, "refresh_s"),
]
OUT_OF_RANGE = [
    (Retry, {"attempts": 0}),
    (Retry, {"budget_ratio": -0.1}),
    (Retry, {"budget_ratio": 1.1}),
    (Retry, {"budget_ratio": math.nan}),
    (Retry, {"budget_burst": -1}),
    (Retry, {"budget_burst": math.inf}),
    (Ejection, {"least": 0}),
    (Ejection, {"least": 21}),
    (Ejection, {"window": 9}),
    (Ejection, {"ratio": 0}),
    (Ejection, {"ratio": 1.1}),
    (Ejection, {"factor": 0.9}),
    (Ejection, {"factor": math.inf}),
    (Breaker, {"failures": 0}),
]


@pytest.mark.parametrize("value", [0, -1, math.nan, math.inf])
@pytest.mark.parametrize(("piece", "name"), SECONDS)
def test_seconds_are_positive_and_finite(piece: Callable[..., Any], name: str, value: float) -> None:
    with pytest.raises(ValueError, match=f"{name} must be a positive number of seconds, not {value}"):
        piece(**{name: value})


@pytest.mark.parametrize(("piece", "settings"), OUT_OF_RANGE)
def test_a_setting_out_of_range_is_refused(piece: Callable[..., Any], settings: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=r"must be .*, not "):
        piece(**settings)


@pytest.mark.parametrize(
    ("piece", "settings"),
    [
        (Retry, {"attempts": 1, "budget_ratio": 0, "budget_burst": 0}),
        (Retry, {"budget_ratio": 1}),
        (Ejection, {"least": 1, "window": 1, "ratio": 1, "factor": 1}),
        (Breaker, {"failures": 1}),
    ],
)
def test_the_ends_of_the_ranges_are_taken(piece: Callable[..., Any], settings: dict[str, float]) -> None:
    made = piece(**settings)
    assert {name: getattr(made, name) for name in settings} == settings


@pytest.mark.parametrize("piece", [*PIECES, Resilience], ids=lambda piece: piece.__name__)
def test_settings_are_frozen_and_equal_by_value(piece: Callable[..., Any]) -> None:
    made = piece()
    assert made == piece()
    with pytest.raises(FrozenInstanceError):
        setattr(made, fields(made)[0].name, 1)


def test_off_switches_every_piece_off() -> None:
    off = Resilience.off()
    assert (off.retry, off.back_off, off.ejection, off.breaker, off.keepalive, off.hedging) == (None,) * 6
