"""What `triptych rollout status` tells of a rollout."""

import pytest

from ops.rollout.clusters import COURSE, NEW, Clock, PlainCluster, engine
from triptych_ops.cli.rollout.status import gates_said
from triptych_ops.rollout.operations import abort, amend, begin
from triptych_ops.rollout.state import Act, Phase, Record, Rollout


@pytest.mark.parametrize(
    ("gate", "told"), [(Act.PASS, "golden answers: said"), (Act.ABORT, "gate golden answers: said"), (Act.HOLD, None)]
)
def test_it_tells_what_the_gates_found(gate: Act, told: str | None) -> None:
    """Of an operator's abort while they are asked it tells nothing."""
    cluster, clock = PlainCluster(), Clock()

    def beginning(record: Record) -> Record:
        return begin(record, cluster.observe(), release=NEW, plan="steps", course=COURSE, by="ada", at=clock())

    amend(cluster, beginning)
    driver = engine(cluster, clock, gate=gate)
    if gate is Act.HOLD:
        while _current(cluster.record).phase is not Phase.CHECKING:
            driver.tick()
        amend(cluster, lambda record: record.going_on(abort(_current(record), by="ada", at=clock(), why="enough")))
    assert gates_said(driver.run()) == told


def _current(record: Record) -> Rollout:
    assert record.current is not None
    return record.current
