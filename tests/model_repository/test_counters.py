"""Counters that Triton is told of in a thread."""

import threading
from pathlib import Path
from time import monotonic, sleep
from types import ModuleType, SimpleNamespace

from python_backend import Metrics
from triptych import contract

_FAMILY = "triptych_image_errors_total"


def _sums(noted: list[dict[str, float]]) -> dict[tuple[str, str], float]:
    return {(_FAMILY, code): sum(each.get(code, 0) for each in noted) for code in ("a", "b")}


def test_each_model_that_counts_has_the_same_file(checkout: Path) -> None:
    files = sorted((checkout / "model_repository").glob("*/source/counters.py"))
    assert [file.parents[1].name for file in files] == ["postprocess", "preprocess"]
    assert files[0].read_bytes() == files[1].read_bytes()


def test_a_counter_is_there_from_the_start_and_grows_within_the_interval(counters: ModuleType) -> None:
    metrics = Metrics()
    triton = SimpleNamespace(MetricFamily=metrics.family)
    counting = counters.Counters(triton, "7", [(_FAMILY, "a")], _sums, interval_s=0.01)
    assert metrics.value(_FAMILY, release="7", code="a") == 0
    counting.note({"a": 2})
    counting.note({"a": 1})
    deadline = monotonic() + 10
    while metrics.value(_FAMILY, release="7", code="a") < 3 and monotonic() < deadline:
        sleep(0.01)
    assert metrics.value(_FAMILY, release="7", code="a") == 3
    assert (_FAMILY, frozenset({("release", "7"), ("code", "b")})) not in metrics.samples  # it did not grow
    counting.close()


def test_the_last_ones_are_counted_at_the_end_and_no_thread_stays(counters: ModuleType) -> None:
    metrics = Metrics()
    counting = counters.Counters(SimpleNamespace(MetricFamily=metrics.family), "7", [], _sums)
    counting.note({"b": 2.5})
    counting.close()
    assert metrics.value(_FAMILY, release="7", code="b") == 2.5
    assert "counters" not in {thread.name for thread in threading.enumerate()}


def test_a_server_without_metrics_of_models_is_told_once_and_served(counters: ModuleType) -> None:
    words: list[str] = []
    triton = SimpleNamespace(Logger=SimpleNamespace(log_warn=words.append))
    counting = counters.Counters(triton, "7", [(_FAMILY, "a")], _sums)
    for _ in range(3):
        counting.note({"a": 1})
    counting.close()
    assert len(words) == 1
    assert words[0].startswith("answers are not counted: ")


def test_both_models_count_alike_and_know_questions_of_health_as_clients_ask_them(
    checkout: Path, counters: ModuleType
) -> None:
    files = [checkout / "model_repository" / model / "source/counters.py" for model in ("preprocess", "postprocess")]
    assert files[0].read_bytes() == files[1].read_bytes()
    assert counters.HEALTH_ID == contract.HEALTH_ID
