"""A change is found, chance is not, and what makes the difference is the time that requests share."""

from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from loadtests.comparison import ComparisonError, Margin, Word, compared
from loadtests.comparison.resampling import Block, Mean, Quantile, blocks_of, change

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
    found = sum(
        change(blocks(one), blocks(other, slower=1.2), Quantile(0.5), seed=one).least > 0 for one, other in pairs
    )
    print(f"a fifth slower, found in {found} of {len(pairs)} pairs")
    assert found >= 17


def words(first: Path, second: Path, **margin: float) -> dict[str, Word]:
    found = compared(first, second, margin=Margin(**margin))
    return {row.figure: row.word for row in found.rows}


def test_records_are_compared_by_stage_and_figure(tmp_path: Path) -> None:
    one, other = record(tmp_path / "1", 1), record(tmp_path / "2", 2)
    slow, bad = record(tmp_path / "3", 3, slower=1.5), record(tmp_path / "4", 4, errors=0.05)
    assert set(words(one, other).values()) == {Word.SAME}
    assert words(one, slow) == {
        **dict.fromkeys(("p50", "p95", "p99"), Word.WORSE),
        **dict.fromkeys(("errors", "achieved"), Word.SAME),
    }
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
    assert Quantile(0.9).of(several, twice_the_first)[0] == np.quantile(values, 0.9, method="inverted_cdf")
