"""The story of a rollout: what is told, and where it is drawn."""

import pytest

from ops.rollout.judged import bad, exchanged_labels, failing, rolled_out
from ops.rollout.measured import good
from triptych_ops.rollout.metrics import USUAL
from triptych_ops.rollout.report import Story, page, story_of
from triptych_ops.rollout.report.drawing import chart, forest, spoken
from triptych_ops.rollout.state import Act, Rollout


@pytest.fixture(scope="module")
def promoted() -> Rollout:
    return rolled_out(good)[0]


@pytest.fixture(scope="module")
def refused() -> Rollout:
    return rolled_out(bad(exchanged_labels))[0]


def percents(story: Story) -> list[int]:
    return [point.percent for point in story.shares]


def test_a_promoted_release_has_climbed_all_steps(promoted: Rollout) -> None:
    story = story_of(promoted)
    assert (story.end, story.release, story.over) == ("promoted", 8, 7)
    assert percents(story) == [0, 5, 50, 100]
    assert [metric.name for metric in story.metrics] == [rule.name for rule in USUAL]
    assert {tuple(row.step for row in metric.rows) for metric in story.metrics} == {("5 %", "50 %", "100 %")}
    assert all(row.samples and row.stable_samples for metric in story.metrics for row in metric.rows)


def test_one_that_went_back_says_why_and_by_which_evidence(refused: Rollout) -> None:
    story = story_of(refused)
    assert (story.end, percents(story)) == ("went back", [0, 5, 0])
    assert "classes" in story.why
    [classes] = [metric for metric in story.metrics if metric.name == "classes"]
    [row] = classes.rows
    assert row.decision == "abort"
    assert row.low is not None
    assert row.low > classes.tolerance


def test_intervals_and_bounds_are_on_one_scale(refused: Rollout) -> None:
    drawn = {metric.name: forest(metric) for metric in story_of(refused).metrics}
    for each in drawn.values():
        assert 0 <= each.zero <= each.tolerance <= each.limit <= 100
        for bar in each.bars:
            assert bar.left is not None
            assert 0 <= bar.left <= bar.left + bar.width <= 100
            assert bar.middle is None or bar.left <= bar.middle <= bar.left + bar.width
            assert bar.middle is not None or each.metric.name == "latency"
    [refusing] = drawn["classes"].bars
    assert refusing.left is not None
    assert refusing.left > drawn["classes"].tolerance  # it went back: all of the interval lies beyond
    [passing] = drawn["latency"].bars
    assert passing.left is not None
    assert passing.left + passing.width < drawn["latency"].limit


def test_the_line_of_shares_goes_back_to_zero(refused: Rollout) -> None:
    found = chart(story_of(refused))
    heights = [float(corner.split(",")[1]) for corner in found.line.split()]
    assert heights[0] == heights[-1] == max(heights)
    assert [marker.act for marker in found.markers] == [
        each.act for each in refused.decisions if each.act is not Act.HOLD
    ]


@pytest.mark.parametrize("state", ["promoted", "refused", "under way"])
def test_a_page_needs_nothing_else_and_says_all_decisions(state: str, promoted: Rollout, refused: Rollout) -> None:
    rollout = {"promoted": promoted, "refused": refused, "under way": _midway(promoted)}[state]
    html = page(story_of(rollout))
    assert not [word for word in ("<script", "src=", "href=", "@import", "url(") if word in html]
    for each in rollout.decisions:
        assert each.why.split(":")[0].replace("'", "&#39;") in html
    assert f"Release {rollout.release.release} over release {rollout.origin.stable.release}" in html


def test_what_others_wrote_is_shown_and_never_run(promoted: Rollout) -> None:
    html = page(story_of(promoted.model_copy(update={"by": "<script>alert(1)</script>"})))
    assert "<script>" not in html
    assert "&lt;script&gt;alert(1)" in html


def test_a_header_that_passes_by_the_shares_is_told(promoted: Rollout) -> None:
    plan = f"{promoted.plan}\nsticky: {{header: x-track, value: candidate}}\n"
    told = "Requests with the header x-track=candidate went to it"
    assert told in page(story_of(promoted.model_copy(update={"plan": plan})))
    assert told not in page(story_of(promoted))


def test_too_many_failures_are_told_as_such() -> None:
    story = story_of(rolled_out(bad(failing))[0])
    assert story.end == "went back"
    assert "errors" in story.why


@pytest.mark.parametrize(
    ("seconds", "text"), [(3.5, "3.5 s"), (90, "90 s"), (150, "2.5 min"), (720, "12 min"), (5400, "1:30 h")]
)
def test_times_are_spoken(seconds: float, text: str) -> None:
    assert spoken(seconds) == text


def _midway(rollout: Rollout) -> Rollout:
    """As it was at its second step."""
    until = next(index for index, each in enumerate(rollout.decisions) if each.act is Act.PASS and "5 %" in each.why)
    return rollout.model_copy(update={"phase": "observing", "decisions": rollout.decisions[: until + 1]})


def test_the_classes_that_moved_are_in_the_page_the_history_and_the_evidence(refused: Rollout) -> None:
    why = next(each.why for each in refused.decisions if each.act is Act.ABORT)
    assert "shares that moved most, stable to candidate: " in why
    assert why.replace("'", "&#39;") in page(story_of(refused))
    [row] = [each for decision in refused.decisions for each in decision.evidence if each["metric"] == "classes"]
    moved = row["moved"]
    assert isinstance(moved, list)
    assert str(moved[0]["name"]) in why
    assert Rollout.model_validate_json(refused.model_dump_json()) == refused


def test_decisions_that_the_record_no_longer_keeps_are_counted(promoted: Rollout) -> None:
    """Control: a record that has all of them says "Every decision"."""
    first, _, _, *rest = promoted.decisions
    shorter = promoted.model_copy(update={"decisions": (first, *rest)})
    html = page(story_of(shorter))
    assert "Every decision" not in html
    assert f"{len(rest) + 1} of {len(promoted.decisions)}: the others changed nothing" in html
    assert "Every decision" in page(story_of(promoted))
    assert (promoted.forgotten, shorter.forgotten) == (0, 2)
