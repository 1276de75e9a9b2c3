"""What `triptych rollout status` tells of a rollout."""

import re

import pytest

from ops.rollout.clusters import COURSE, NEW, Clock, PlainCluster, engine
from ops.rollout.judged import bad, exchanged_labels, rolled_out
from triptych_ops.cli.rollout.status import _print_evidence, gates_said
from triptych_ops.rollout.operations import abort, amend, begin
from triptych_ops.rollout.state import Act, Look, Phase, Record, Rollout


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


def test_the_evidence_is_a_table_of_short_numbers(capsys: pytest.CaptureFixture[str]) -> None:
    refused = rolled_out(bad(exchanged_labels))[0]
    rows = next(each.evidence for each in refused.decisions if each.act is Act.ABORT)
    look = Look(at=refused.started, act=Act.ABORT, why="said", evidence=(*rows, {**rows[0], "estimate": None}))
    _print_evidence(refused.model_copy(update={"latest": look}))
    told = capsys.readouterr().out
    assert "shares that moved most" in told
    assert "{" not in told
    assert "None" not in told
    assert not re.search(r"\d\.\d{8}", told)


def _current(record: Record) -> Rollout:
    assert record.current is not None
    return record.current
