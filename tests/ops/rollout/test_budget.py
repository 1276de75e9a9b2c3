"""The error budget before a rollout."""

import math

import pytest

from triptych_ops.errors import RefusedError
from triptych_ops.rollout.budget import LEAST, Forced, require_budget


@pytest.mark.parametrize("left", [LEAST, 1.0])
def test_enough_is_enough(left: float) -> None:
    assert require_budget(left, asked="here", forced=None) is None


@pytest.mark.parametrize("left", [LEAST - 0.001, -2.0, None, math.nan, math.inf])
def test_too_little_and_the_unknown_are_refused_and_forcing_is_recorded(left: float | None) -> None:
    with pytest.raises(RefusedError, match="--force"):
        require_budget(left, asked="here", forced=None)
    said = require_budget(left, asked="here", forced=Forced("ada", "a fix"))
    assert said is not None
    assert said.endswith("forced by ada: a fix")
