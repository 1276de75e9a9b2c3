import pytest

from loadtests.benchmark import figures
from loadtests.benchmark.scenarios import FP32, INT8, LIMIT, PEERS

from .conftest import MakeResults


@pytest.mark.parametrize(
    ("values", "share", "expected"),
    [
        ([5.0], 0.99, 5.0),
        ([1.0, 2.0, 3.0, 4.0], 0.5, 2.5),
        (list(map(float, range(1, 101))), 0.99, 99.5),
        ([], 0.5, None),
    ],
)
def test_percentiles(values: list[float], share: float, expected: float | None) -> None:
    assert figures.percentile(values[::-1], share) == expected


def test_a_ratio_is_of_the_same_round(make_results: MakeResults) -> None:
    results = make_results()
    assert figures.speed_ratio(results, FP32, LIMIT, "16") == pytest.approx(155 / 160)
    assert figures.throughput(results, FP32, "16") == figures.Spread(155 / 2, 155 / 3, 155.0)


def test_the_best_peer_counts(make_results: MakeResults) -> None:
    results = make_results(per_s={(PEERS[1], "16"): 150.0})
    assert figures.slowest_ratio(results, FP32, PEERS, "16") == pytest.approx(155 / 150)
    assert figures.slowest_ratio(make_results(leave_out=PEERS), FP32, PEERS, "16") is None


def test_the_peak_is_of_any_load(make_results: MakeResults) -> None:
    results = make_results(per_s={(FP32, "4"): 160.0, (FP32, "256"): 120.0})
    assert figures.ratio_to_peak(results, FP32, "256") == pytest.approx(0.75)
    assert figures.ratio_to_peak(results, FP32, "4") == 1.0
    assert figures.ratio_to_peak(make_results(leave_out=(LIMIT,)), FP32, "256") is None


def test_the_tail_is_of_all_rounds_together(make_results: MakeResults) -> None:
    results = make_results(latencies_s={(FP32, "16"): (0.1,) * 97 + (0.2,) * 3})
    assert figures.tail_ratio(results, FP32, "16") == pytest.approx(2.0)
    assert figures.latency_s(results, FP32, "16", 0.5) == 0.1


def test_what_serving_adds_to_the_latency(make_results: MakeResults) -> None:
    results = make_results(latencies_s={(FP32, "1"): (0.0125,) * 10})
    assert figures.added_latency_s(results, FP32, LIMIT, "1") == pytest.approx(0.0025)


def test_the_worst_of_starts_memory_and_errors(make_results: MakeResults) -> None:
    results = make_results(errors={(INT8, "4"): {"status 503": 2, "class 1": 1}}, starts_s=(1.0, 3.0, 2.0))
    assert figures.longest_start_s(results, FP32) == 3.0
    assert figures.longest_start_s(results, LIMIT) is None
    assert figures.most_memory_bytes(results, FP32) == 500_000_000
    assert figures.errors(results, FP32, INT8) == 9  # in each of three rounds
    assert figures.generator_s_per_request(results, FP32, "16") == pytest.approx(0.0001)
