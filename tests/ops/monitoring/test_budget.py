"""The error budget, asked of a real Prometheus."""

from collections.abc import Iterator

import pytest

from cluster.prometheus import Prometheus
from prometheus_tools import error_budgets
from triptych_ops.errors import MissingError, OpsError, UsageError
from triptych_ops.monitoring import error_budget


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    left = {("edge-latency", "shop"): 0.75, ("edge-latency", "zoo"): -0.5}
    with error_budgets(tmp_path_factory.mktemp("prometheus"), left) as started:
        yield started


def test_the_budget_of_a_namespace_or_the_smallest(recording: Prometheus) -> None:
    assert error_budget(recording.url, "edge-latency", namespace="shop").remaining == 0.75
    assert error_budget(recording.url, "edge-latency").remaining == -0.5


def test_no_figure_is_said_and_never_taken_for_a_full_budget(recording: Prometheus) -> None:
    with pytest.raises(MissingError, match="no error budget of members-availability"):
        error_budget(recording.url)


def test_what_makes_no_sense_is_refused(recording: Prometheus) -> None:
    with pytest.raises(UsageError, match="no objective 'x': use one of members-availability"):
        error_budget(recording.url, "x")
    with pytest.raises(UsageError, match="does not begin with"):
        error_budget("file:///etc/passwd")


def test_a_prometheus_that_is_not_there() -> None:
    with pytest.raises(OpsError, match="did not answer"):
        error_budget("http://127.0.0.1:9", timeout_s=1)
