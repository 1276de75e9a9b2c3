"""Two tracks of the chart on a real cluster: with pods that serve nothing, or with real releases."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cluster.canary import Canary
from cluster.canary import canary as made_canary
from cluster.charts import Charted
from cluster.cluster import is_own
from cluster.kubectl import Kubectl
from cluster.layout import Layout
from cluster.store import PublishedReleases
from cluster.tracks import Tracks


@pytest.fixture
def tracks(new_namespace: Callable[..., Kubectl], tmp_path: Path) -> Tracks:
    """Release 7 is stable, two pods of it; the candidate has none."""
    if not is_own():
        pytest.skip("needs the images of a node of our own")
    made = Tracks(new_namespace(), tmp_path)
    made.set_up()
    return made


@pytest.fixture
def canary(chart: Charted, releases: PublishedReleases, layout: Layout, tmp_path: Path) -> Iterator[Canary]:
    """The chart with real releases; release 1 is stable."""
    with made_canary(chart, releases, layout, tmp_path) as made:
        yield made
