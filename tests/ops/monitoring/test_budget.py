"""The error budget, asked of a real Prometheus."""

from collections.abc import Iterator
from time import monotonic, sleep

import pytest
import yaml

from cluster.prometheus import Prometheus, prometheus
from prometheus_tools import find_tool
from triptych_ops.errors import MissingError, OpsError, UsageError
from triptych_ops.monitoring import BUDGET_REMAINING, error_budget

_START_S = 20


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    folder = tmp_path_factory.mktemp("prometheus")
    rules = [
        {"record": BUDGET_REMAINING, "expr": f"vector({left})", "labels": {"sloth_slo": name, "namespace": namespace}}
        for name, namespace, left in (("edge-latency", "shop", 0.75), ("edge-latency", "zoo", -0.5))
    ]
    document = {"groups": [{"name": "budgets", "interval": "1s", "rules": rules}]}
    (folder / "rules.yaml").write_text(yaml.safe_dump(document), encoding="utf-8")
    with prometheus(find_tool("prometheus").parents[2], folder, {"rule_files": ["rules.yaml"]}) as started:
        deadline = monotonic() + _START_S
        while not started.query(BUDGET_REMAINING) and monotonic() < deadline:
            sleep(0.2)
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
    with pytest.raises(OpsError, match="did not tell the error budget"):
        error_budget("http://127.0.0.1:9", timeout_s=1)
