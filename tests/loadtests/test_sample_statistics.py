"""Quantiles and intervals, against NumPy, scipy and textbook figures; and that nothing else computes its own."""

import re
from pathlib import Path
from statistics import NormalDist

import numpy as np
import pytest
from scipy import stats

from loadtests.sample_statistics import (
    CONFIDENCE,
    Z,
    difference_interval,
    interval_text,
    interval_words,
    median,
    percent,
    quantile,
    quantiles,
    share_interval,
)

_OWN = re.compile(
    r"np\.(nan)?(percentile|quantile|median)\(|\bstatistics\.(median|quantiles)"
    r"|from statistics import .*(median|quantiles)"
)


@pytest.mark.parametrize("count", [1, 2, 3, 18, 20, 99, 100, 101, 1000])
def test_quantiles_are_those_of_definition_2(count: int) -> None:
    values = np.random.default_rng(count).lognormal(size=count)
    shares = [0.0, 0.25, 0.5, 0.9, 0.95, 0.99, 1.0]
    expected = np.quantile(values, shares, method="averaged_inverted_cdf")
    assert quantiles(values.tolist(), shares) == pytest.approx(expected.tolist())


def test_where_exactly_that_share_is_not_above_it_is_the_middle_of_two() -> None:
    hundred = list(range(1, 101))
    assert quantiles(hundred, (0.5, 0.9, 0.99)) == [50.5, 90.5, 99.5]
    assert quantile(hundred, 0.07) == 7.5  # 0.07 * 100 is 7.000000000000001
    assert quantile([*hundred, 101], 0.99) == 100
    assert median([3, 1, 2]) == 2
    assert median([4, 1]) == 2.5


def test_no_values_have_no_quantile() -> None:
    with pytest.raises(ValueError, match="at least one value"):
        quantile([], 0.5)
    with pytest.raises(ValueError, match="no share"):
        quantile([1.0], 50)


@pytest.mark.parametrize(("count", "total"), [(18, 18), (0, 18), (17, 18), (5, 10), (790, 800)])
def test_an_interval_of_a_share_is_wilsons(count: int, total: int) -> None:
    found = share_interval(count, total)
    expected = stats.binomtest(count, total).proportion_ci(method="wilson")
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high))


def test_the_number_of_standard_deviations_is_that_of_the_confidence() -> None:
    assert pytest.approx(NormalDist().inv_cdf((1 + CONFIDENCE) / 2), rel=1e-12) == Z


def test_an_interval_of_a_difference_is_newcombes() -> None:
    """Newcombe 1998, table II, method 10: 56/70 and 48/80; 9/10 and 3/10."""
    z = 1.959964
    for given, expected in (((56, 70, 48, 80), (0.0524, 0.3339)), ((9, 10, 3, 10), (0.1705, 0.8090))):
        found = difference_interval(*given, z=z)
        assert (found.low, found.high) == pytest.approx(expected, abs=5e-5)


def test_all_of_few_images_is_said_with_its_interval() -> None:
    assert interval_words(1.0, 18) == "95% interval 82.4% to 100% by Wilson"
    assert interval_words(0.0, 18) == "95% interval 0% to 17.6% by Wilson"
    assert interval_text(17 / 18, 18) == "74.2% to 99%"
    assert percent(0.99999) == "99.999%"


def test_nothing_else_computes_quantiles_of_samples(checkout: Path) -> None:
    folders = ("client/triptych", "ops/triptych_ops", "loadtests", "model_repository")
    sources = [file for folder in folders for file in (checkout / folder).rglob("*.py")]
    assert len(sources) > 300
    own = [file.name for file in sources if _OWN.search(file.read_text(encoding="utf-8"))]
    assert own == []
    assert _OWN.search("p99 = np.percentile(latencies_s, 99)")  # the control
