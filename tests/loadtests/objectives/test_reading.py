"""Objectives as text and as YAML, and what is none."""

import re
from pathlib import Path

import pytest

from loadtests.objectives import Objective, ObjectiveError, objective, objectives_in
from loadtests.profiles import SUMMARIES, profile


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("p99<100ms", Objective("p99", 0.1)),
        (" p50 <= 2s ", Objective("p50", 2.0)),
        ("P95<1500us", Objective("p95", 0.0015)),
        ("errors<0.1%", Objective("errors", 0.001)),
        ("errors<0.001", Objective("errors", 0.001)),
        ("achieved>99%", Objective("achieved", 0.99)),
        ("spike: p99<2s", Objective("p99", 2.0, "spike")),
        ("all: p99<2s", Objective("p99", 2.0)),
    ],
)
def test_what_people_write(text: str, expected: Objective) -> None:
    found = objective(text)
    assert (found.name, found.stage) == (expected.name, expected.stage)
    assert found.bound == pytest.approx(expected.bound)
    assert objective(str(found)) == found


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("fast", "cannot be read"),
        ("", "cannot be read"),
        ("p98<1s", "did you mean p99?"),
        ("speed<1s", "there are p50, p95, p99, errors, achieved"),
        ("p99>1s", "write p99<"),
        ("achieved<99%", "write achieved>"),
        ("p99<100", "the unit is missing; write 100ms or 2s"),
        ("p99<5%", "unit % does not fit"),
        ("errors<5ms", "unit ms does not fit"),
        ("errors<200%", "a share, of 1 at most"),
        ("p99<1.1.1s", "'1.1.1' is no number"),
    ],
)
def test_what_is_none(text: str, words: str) -> None:
    with pytest.raises(ObjectiveError, match=re.escape(words)) as raised:
        objective(text)
    assert raised.value.exit_code == 2


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("- p99<100ms\n- errors<1%", ["p99<100 ms", "errors<1%"]),
        ("all: [errors<1%]\nspike: [p99<2s]", ["errors<1%", "spike: p99<2000 ms"]),
    ],
)
def test_a_file(text: str, expected: list[str], tmp_path: Path) -> None:
    (tmp_path / "objectives.yaml").write_text(text)
    assert list(map(str, objectives_in(tmp_path / "objectives.yaml"))) == expected


@pytest.mark.parametrize("text", ["", "p99<1s", "spike: p99<1s", "- p99", "{", "- [p99<1s]"])
def test_a_file_that_holds_none_is_named(text: str, tmp_path: Path) -> None:
    (tmp_path / "objectives.yaml").write_text(text)
    with pytest.raises(ObjectiveError, match=r"objectives\.yaml"):
        objectives_in(tmp_path / "objectives.yaml")
    with pytest.raises(ObjectiveError, match="no such file"):
        objectives_in(tmp_path / "missing.yaml")


def test_a_stage_that_is_given_twice_is_refused(tmp_path: Path) -> None:
    """PyYAML would judge by the last list alone."""
    (tmp_path / "objectives.yaml").write_text("spike: [p99<2s]\nall: [errors<1%]\nspike: [p99<9s]")
    with pytest.raises(ObjectiveError, match="gives the stage 'spike' twice"):
        objectives_in(tmp_path / "objectives.yaml")


@pytest.mark.parametrize("name", SUMMARIES)
def test_those_of_the_profiles_can_be_read(name: str) -> None:
    assert [objective(text) for text in profile(name).objectives]
