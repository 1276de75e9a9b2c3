"""`helm test` on a real cluster: a pod of the chart's own finds its Services by name and asks for a picture."""

import pytest

from cluster.addresses import NODE
from cluster.charts import NAME, Charted
from cluster.cluster import is_own
from cluster.errors import ClusterError

pytestmark = pytest.mark.skipif(not is_own(), reason="needs a node of our own")

_NAMES = {"networkPolicy": {"dns": [{"ipBlock": {"cidr": f"{NODE}/32"}}]}}


def test_the_charts_test_passes(chart: Charted) -> None:
    chart.install({**_NAMES, "tests": {"expectedLabel": "espresso"}})
    said = chart("test", NAME, "--timeout=120s", "--logs")
    assert "Phase:          Succeeded" in said
    assert "espresso" in said


def test_the_charts_test_notices_a_wrong_answer(chart: Charted) -> None:
    """The control: the label is none of the picture's."""
    chart.install({**_NAMES, "tests": {"expectedLabel": "missile"}})
    with pytest.raises(ClusterError, match="helm test failed"):
        chart("test", NAME, "--timeout=120s")
