"""Every profile is whole, has a smoke form of less than a minute, and travels as JSON."""

import json
import re

import pytest

from loadtests.errors import ProfileError
from loadtests.profiles import SMOKE_S, SUMMARIES, Arrivals, Loop, Profile, profile

PROMISED = {"smoke", "step", "spike", "soak", "ramp", "single-stream", "offline", "server"}


def test_the_promised_profiles_are_there() -> None:
    assert set(SUMMARIES) >= PROMISED


@pytest.mark.parametrize("name", SUMMARIES)
def test_a_profile_is_whole(name: str) -> None:
    found = profile(name, per_s=40, users=3)
    assert found.name == name
    assert any(stage.measured for stage in found.stages)
    assert len({stage.name for stage in found.stages}) == len(found.stages)
    assert all(stage.seconds > 0 for stage in found.stages)
    assert Profile.from_document(json.loads(json.dumps(found.document()))) == found


@pytest.mark.parametrize("name", SUMMARIES)
def test_its_smoke_form_takes_less_than_a_minute(name: str) -> None:
    found = profile(name)
    smoke = found.lasting(SMOKE_S)
    assert smoke.seconds == pytest.approx(SMOKE_S)
    assert SMOKE_S < 60
    assert [stage.load for stage in smoke.stages] == [stage.load for stage in found.stages]


def test_rates_and_users_are_multiples() -> None:
    assert [stage.load for stage in profile("spike", per_s=40).stages][1:3] == [Arrivals(40), Arrivals(200)]
    assert [stage.load for stage in profile("ramp", per_s=40).stages][1] == Arrivals(0, to_per_s=160)
    assert profile("users", users=7).stages[1].load == Loop(7)
    assert profile("single-stream", users=7).stages[1].load == Loop(1)


def test_an_unknown_profile_is_named() -> None:
    with pytest.raises(ProfileError, match="'sokk'; did you mean 'soak'"):
        profile("sokk")
    with pytest.raises(ProfileError, match="there are smoke, step, spike"):
        profile("xyz")


@pytest.mark.parametrize("per_s", [0.0, -1.0, float("nan"), float("inf"), 1e9])
def test_what_is_no_rate_is_refused(per_s: float) -> None:
    with pytest.raises(ProfileError, match="no rate"):
        profile("step", per_s=per_s)


@pytest.mark.parametrize("users", [0, -1, 100_000])
def test_what_are_no_users_is_refused(users: int) -> None:
    with pytest.raises(ProfileError, match="no users"):
        profile("users", users=users)


@pytest.mark.parametrize("name", SUMMARIES)
def test_a_summary_names_no_time_since_seconds_change_it(name: str) -> None:
    """`--seconds 20` made "for half a minute" 2.7 s; the report says how long each stage was."""
    assert not re.search(r"second|minute|hour|\d+ s\b", SUMMARIES[name])
