"""A change is found, chance is not, and what makes the difference is the time that requests share."""

from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from loadtests.comparison import ComparisonError, Margin, Word, compared
from loadtests.comparison.resampling import Block, Change, Mean, Quantile, blocks_of, change
from loadtests.report import found_in

from .recorded import PER_S, SECONDS, latencies_s, record


def blocks(seed: int, *, slower: float = 1.0) -> list[Block]:
    times_s, values = latencies_s(seed, slower=slower)
    return blocks_of(times_s, values, begins_s=0.0, seconds=SECONDS)


def test_two_runs_of_the_same_do_not_differ() -> None:
    """The control takes each request for itself, as is often done."""
    pairs = [(2 * index, 2 * index + 1) for index in range(100)]
    found = sum(change(blocks(one), blocks(other), Quantile(0.5), seed=one).is_significant for one, other in pairs)
    naive = sum(stats.mannwhitneyu(latencies_s(one)[1], latencies_s(other)[1]).pvalue < 0.05 for one, other in pairs)
    print(f"said to differ, of {len(pairs)} pairs that do not: {found}; by Mann and Whitney's test {naive}")
    assert found <= 10  # 5 are expected; more than ten come once in ninety times
    assert naive > 50


def test_a_fifth_slower_is_found() -> None:
    pairs = [(2 * index, 2 * index + 1) for index in range(20)]
    found = sum(change(blocks(one), blocks(other, slower=1.2), Quantile(0.5), seed=one).low > 1 for one, other in pairs)
    print(f"a fifth slower, found in {found} of {len(pairs)} pairs")
    assert found >= 17


def words(first: Path, second: Path, **margin: float) -> dict[str, Word]:
    found = compared(first, second, margin=Margin(**margin))
    return {row.figure: row.word for row in found.rows}


def test_records_are_compared_by_stage_and_figure(tmp_path: Path) -> None:
    one, other = record(tmp_path / "1", 1), record(tmp_path / "2", 2)
    slow, bad = record(tmp_path / "3", 3, slower=1.5), record(tmp_path / "4", 4, errors=0.05)
    # 0 of 4,800 failures in each: within the 1 % that does not matter of `achieved`, not within the 0.1 % of `errors`.
    shares = {"errors": Word.NOT_SHOWN, "achieved": Word.SAME}
    assert words(one, other) == {**dict.fromkeys(("p50", "p95", "p99"), Word.NOT_SHOWN), **shares}
    assert set(words(one, other, ratio=0.5).values()) == {Word.SAME, Word.NOT_SHOWN}
    assert words(one, other, ratio=0.5)["p50"] is Word.SAME
    assert words(one, slow) == {**dict.fromkeys(("p50", "p95", "p99"), Word.WORSE), **shares}
    assert words(slow, one)["p50"] is Word.BETTER
    assert words(one, slow, ratio=1.0)["p50"] is Word.SMALL
    assert {words(one, bad)[name] for name in ("errors", "achieved")} == {Word.WORSE}
    assert list(compared(one, other).differences) == ["seed: 1, then 2"]


def test_what_cannot_be_compared(tmp_path: Path) -> None:
    one, other = record(tmp_path / "1", 1), record(tmp_path / "2", 2, per_s=PER_S + 1)
    with pytest.raises(ComparisonError, match="no measured stage of the same load"):
        compared(one, other)
    (tmp_path / "1" / "ending.json").unlink()
    with pytest.raises(ComparisonError, match="says nothing of its server: it was killed"):
        compared(one, other)


def test_a_figure_of_blocks_is_that_of_their_values() -> None:
    several = blocks(1)
    twice_the_first = np.array([[2] + [1] * (len(several) - 1)])
    values = np.concatenate([several[0], *several])
    assert Mean().of(several, twice_the_first)[0] == pytest.approx(values.mean())
    assert Quantile(0.9).of(several, twice_the_first)[0] == np.quantile(values, 0.9, method="averaged_inverted_cdf")


def test_the_report_of_a_run_and_a_comparison_give_the_same_quantiles(tmp_path: Path) -> None:
    """Control: NumPy's usual definition gives another 99th percentile of these latencies."""
    one, other = record(tmp_path / "1", 1), record(tmp_path / "2", 2)
    reported = [found_in(folder).stages[0] for folder in (one, other)]
    compared_by = {row.figure: row.change for row in compared(one, other).rows}
    for figure in ("p50", "p95", "p99"):
        values = [getattr(stage, f"{figure}_s") for stage in reported]
        assert [compared_by[figure].first, compared_by[figure].second] == values
    _, latencies = latencies_s(1)
    assert float(np.percentile(latencies, 99)) != pytest.approx(reported[0].p99_s, rel=1e-6)


def test_an_interval_of_a_ratio_stays_above_zero_where_one_of_differences_does_not() -> None:
    """Two short runs of a spiky server: the second is five times as fast, and the first varies by as much."""
    dice = np.random.default_rng(3)
    first = [0.02 * np.exp(dice.normal(0, 1.4) + 0.2 * dice.normal(size=8)) for _ in range(10)]
    second = [block / 5 for block in first[:6]]
    found = change(first, second, Quantile(0.99), figures=15)
    assert 0 < found.low < found.change < found.high
    assert found.change - found.low < found.change  # what was printed as "-421 %" were differences beyond the whole


def test_the_change_that_is_detectable_is_found_in_four_of_five_pairs() -> None:
    pairs = [(2 * index, 2 * index + 1) for index in range(40)]
    detectable = np.median([change(blocks(one), blocks(other), Quantile(0.5)).detectable for one, other in pairs])

    def found(slower: float) -> int:
        return sum(change(blocks(one), blocks(two, slower=slower), Quantile(0.5)).low > 1 for one, two in pairs)

    at, half = found(float(detectable)), found(float(detectable) ** 0.3)
    print(f"{detectable:.2f} x is said to be detectable: found in {at} of {len(pairs)}; a third of it in {half}")
    assert at >= 0.7 * len(pairs)
    assert half <= 0.5 * len(pairs)


def test_runs_without_a_failure_do_not_show_that_there_are_none() -> None:
    """Control: the bootstrap alone gives an interval of no width, and 18 requests would be "the same" to 0.1 %."""
    none = [np.zeros(3) for _ in range(6)]
    found = change(none, none, Mean())
    assert found.low < -0.1
    assert found.high > 0.1
    assert not found.is_within(0.001)
    assert not found.is_significant


@pytest.mark.parametrize("figure", [Quantile(0.99), Mean()])
def test_equal_runs_are_refused_no_more_often_by_other_figures(figure: Quantile | Mean) -> None:
    def of(seed: int) -> list[Block]:
        cut = blocks(seed)
        return cut if isinstance(figure, Quantile) else [(block > 0.03).astype(float) for block in cut]

    pairs = [(2 * index, 2 * index + 1) for index in range(100)]
    found = sum(change(of(one), of(other), figure, seed=one).is_significant for one, other in pairs)
    print(f"{figure}: said to differ, of {len(pairs)} pairs that do not: {found}")
    assert found <= 10


def test_words_follow_from_the_interval_alone() -> None:
    def is_within(low: float, high: float) -> bool:
        return Change(first=1, second=1, scale=Quantile.scale, change=1, low=low, high=high, detectable=1.1).is_within(
            0.05
        )

    assert is_within(0.96, 1.04)
    assert not is_within(0.94, 1.04)
    assert not is_within(0.96, 1.06)
