"""The chart on a real cluster serves through a Gateway, and every scenario of it fits a restricted namespace."""

from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from cluster.asking import GATEWAY_URLS, classify
from cluster.charts import NAME, Charted
from cluster.cluster import is_own
from cluster.kubectl import Kubectl
from helm.chart import CHART, SCENARIOS

pytestmark = pytest.mark.skipif(not is_own(), reason="needs a node of our own")

_MISSILE = 657  # what ImageNet says to a rocket
_FOREIGN = {"PodMonitor", "PrometheusRule", "ScaledObject", "ServiceMonitor"}  # of operators that are not here


def test_it_classifies_through_the_gateway(chart: Charted, photograph: Path) -> None:
    chart.install()
    answers = {name: classify(photograph, url) for name, url in GATEWAY_URLS.items()}
    assert answers == dict.fromkeys(GATEWAY_URLS, (1, _MISSILE))


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_a_restricted_namespace_takes_every_scenario_without_a_warning(
    scenario: str, new_namespace: Callable[..., Kubectl]
) -> None:
    namespace = new_namespace()
    rendered = Charted(namespace, {})("template", NAME, str(CHART), f"--values={SCENARIOS[scenario]}")
    objects = [found for found in yaml.safe_load_all(rendered) if found and found["kind"] not in _FOREIGN]
    said = namespace.dry_run(*objects)
    assert "Warning" not in said
    assert len(said.splitlines()) == len(objects)


def test_a_namespace_warns_of_what_is_not_restricted(new_namespace: Callable[..., Kubectl]) -> None:
    namespace = new_namespace()
    rendered = Charted(namespace, {})("template", NAME, str(CHART), f"--values={SCENARIOS['minimal']}")
    [deployment] = [found for found in yaml.safe_load_all(rendered) if found and found["kind"] == "Deployment"]
    deployment["spec"]["template"]["spec"]["hostNetwork"] = True
    assert "Warning: would violate PodSecurity" in namespace.dry_run(deployment)
