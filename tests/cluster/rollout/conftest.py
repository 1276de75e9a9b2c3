"""Two tracks of the chart on a real cluster, and a rollout that is driven inside of the test."""

from collections.abc import Callable
from pathlib import Path

import pytest

from cluster.cluster import is_own
from cluster.kubectl import Kubectl
from cluster.tracks import Tracks


@pytest.fixture
def tracks(new_namespace: Callable[..., Kubectl], tmp_path: Path) -> Tracks:
    """Release 7 is stable, two pods of it; the candidate has none."""
    if not is_own():
        pytest.skip("needs the images of a node of our own")
    made = Tracks(new_namespace(), tmp_path)
    made.set_up()
    return made
