"""The engine on a cluster of plain data."""

from dataclasses import replace

import pytest

from ops.rollout.clusters import COURSE, NEW, OLD, Clock, KilledError, PlainCluster, Told, engine
from triptych_ops.errors import RefusedError
from triptych_ops.rollout.course import Course, Share, Way, course_of
from triptych_ops.rollout.engine import Engine
from triptych_ops.rollout.errors import LostLeaseError, UnreachableError
from triptych_ops.rollout.operations import abort, amend, begin, pause, promote, resume, undo
from triptych_ops.rollout.plan import load_plan
from triptych_ops.rollout.state import Act, Phase, Record, Rollout
from triptych_ops.rollout.world import World

PHASES = (
    Phase.PREPARING,
    Phase.CHECKING,
    Phase.SCALING,
    Phase.SHIFTING,
    Phase.OBSERVING,
    Phase.PROMOTING,
    Phase.RETURNING,
)


def started(cluster: PlainCluster, clock: Clock, *, course: Course = COURSE) -> None:
    """As the command does, again after each kill."""

    def beginning(record: Record) -> Record:
        return begin(record, cluster.observe(), release=NEW, plan="steps", course=course, by="ada", at=clock())

    amend(cluster, beginning)


def whole_command(cluster: PlainCluster, clock: Clock, verdict: Act, told: Told) -> None:
    started(cluster, clock)
    engine(cluster, clock, verdict=lambda _: verdict, told=told).run()


def current(cluster: PlainCluster) -> Rollout:
    assert cluster.record.current is not None
    return cluster.record.current


def until(cluster: PlainCluster, driver: Engine, clock: Clock, phase: Phase) -> None:
    """Drive it until this phase has begun."""
    while current(cluster).phase is not phase:
        waited = driver.tick()
        assert isinstance(waited, float), f"it never was {phase}"
        clock.sleep(waited)


def is_all_stable(cluster: PlainCluster, release: object = OLD) -> bool:
    weights = {route.weight_percent for route in cluster.routes}
    return weights == {0} and cluster.stable.binding == release and cluster.candidate.replicas == 0


def test_a_good_release_goes_through_every_step() -> None:
    cluster, clock, told = PlainCluster(), Clock(), Told()
    started(cluster, clock)
    ended = engine(cluster, clock, told=told).run()
    assert ended.phase is Phase.PROMOTED
    assert cluster.weights[1::2] == [
        (0, 0),
        (0, 0),
        (5, 5),
        (5, 5),
        (50, 50),
        (50, 50),
        (100, 100),
        (100, 100),
        (0, 0),
        (0, 0),
    ]
    assert is_all_stable(cluster, NEW)
    assert cluster.candidate.binding == OLD
    assert [act for *_, act in told.decisions] == ["start", *["pass"] * 5, "end"]
    assert current(cluster).unannounced == ()


def test_a_bad_release_goes_back_at_the_first_step() -> None:
    cluster, clock = PlainCluster(), Clock()
    started(cluster, clock)
    assert engine(cluster, clock, verdict=lambda _: Act.ABORT).run().phase is Phase.ABORTED
    assert is_all_stable(cluster)
    assert max(weights[0] or 0 for weights in cluster.weights) == 5


@pytest.mark.parametrize("verdict", [Act.PROMOTE, Act.ABORT])
def test_it_lets_go_of_the_objects_before_it_says_that_it_has_ended(verdict: Act) -> None:
    cluster, clock = PlainCluster(), Clock()
    whole_command(cluster, clock, verdict, Told())
    assert cluster.let_go_in == [Phase.CLEARING]


def test_a_gate_that_refuses_lets_no_request_through() -> None:
    cluster, clock = PlainCluster(), Clock()
    started(cluster, clock)
    assert engine(cluster, clock, gate=Act.ABORT).run().phase is Phase.ABORTED
    assert {weight for weights in cluster.weights for weight in weights} == {0}


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("verdict", [Act.PROMOTE, Act.ABORT])
def test_killed_at_any_write_it_converges(verdict: Act, after: bool) -> None:
    whole = PlainCluster()
    clock = Clock()
    started(whole, clock)
    expected = engine(whole, clock, verdict=lambda _: verdict).run()
    assert whole.writes >= 12
    for number in range(1, whole.writes + 1):
        cluster, told = PlainCluster(dies_at=number, after=after), Told()
        with pytest.raises(KilledError):
            whole_command(cluster, clock, verdict, told)
        rollouts_before = cluster.record.current
        if rollouts_before is None or not rollouts_before.ended:
            started(cluster, clock)
        ended = engine(cluster, clock, verdict=lambda _: verdict, told=told).run()
        assert ended.phase is expected.phase
        assert (cluster.stable, cluster.candidate) == (
            replace(whole.stable, seen=cluster.stable.seen),
            replace(whole.candidate, seen=cluster.candidate.seen),
        )
        assert [each.act for each in ended.decisions] == [each.act for each in expected.decisions]
        numbers = {decided for _, decided, _ in told.decisions}
        assert numbers == {each.number for each in ended.decisions}


def test_done_again_nothing_is_written() -> None:
    cluster, clock = PlainCluster(), Clock()
    started(cluster, clock)
    engine(cluster, clock).run()
    writes = cluster.writes
    started(cluster, clock)
    assert engine(cluster, clock).run().phase is Phase.PROMOTED
    assert cluster.writes == writes


@pytest.mark.parametrize("phase", PHASES)
def test_aborted_in_any_phase_all_goes_to_stable_twice_the_same(phase: Phase) -> None:
    cluster, clock = PlainCluster(), Clock()
    started(cluster, clock)
    until(cluster, engine(cluster, clock), clock, phase)

    def aborting(record: Record) -> Record:
        return record.going_on(abort(current(cluster), by="ada", at=clock(), why="no"))

    amend(cluster, aborting)
    writes = cluster.writes
    amend(cluster, aborting)
    assert cluster.writes == writes
    began = clock()
    # Without the Lease: who drives may be dead.
    assert engine(cluster, clock, may_drive=False).run().phase is Phase.ABORTED
    assert is_all_stable(cluster)
    assert cluster.stable.replicas == 3
    assert (clock() - began).total_seconds() < 10
    amend(cluster, aborting)


def test_somebody_elses_weight_is_reported_and_stays_until_an_operator_says_so() -> None:
    cluster, clock, told = PlainCluster(), Clock(), Told()
    started(cluster, clock)
    driver = engine(cluster, clock, told=told)
    until(cluster, driver, clock, Phase.OBSERVING)
    cluster.edit_route(0, weight_percent=37)
    for _ in range(20):
        waited = driver.tick()
        assert isinstance(waited, float)
        clock.sleep(waited)
    assert cluster.routes[0].weight_percent == 37
    paused = current(cluster).paused
    assert paused == "HTTPRoute/triptych: the candidate's share in percent was 5 and is 37 (by somebody)"
    assert [act for *_, act in told.decisions].count("notice") == 1
    amend(cluster, lambda record: record.going_on(resume(current(cluster), by="ada", at=clock(), why="mine")))
    assert driver.run().phase is Phase.PROMOTED


def test_an_edit_of_what_is_not_ours_is_reported_and_kept() -> None:
    cluster, clock, told = PlainCluster(), Clock(), Told()
    started(cluster, clock)
    driver = engine(cluster, clock, told=told)
    until(cluster, driver, clock, Phase.OBSERVING)
    cluster.edit_route(1, seen={"untouched": "another"})
    assert driver.run().phase is Phase.PROMOTED
    assert cluster.routes[1].seen.untouched == "another"
    assert [act for *_, act in told.decisions].count("notice") == 1


def test_an_edit_between_the_look_and_the_write_is_not_lost() -> None:
    cluster, clock = PlainCluster(), Clock()
    started(cluster, clock)
    driver = engine(cluster, clock)
    until(cluster, driver, clock, Phase.SHIFTING)

    def edit() -> None:
        cluster.before_write = None
        cluster.edit_route(0, weight_percent=37)

    cluster.before_write = edit
    with pytest.raises(Exception, match="was written"):
        driver.tick()
    driver.tick()
    assert cluster.routes[0].weight_percent == 37
    assert "was 0 and is 37" in str(current(cluster).paused)


def test_going_back_writes_over_edits_and_says_so() -> None:
    cluster, clock = PlainCluster(), Clock()
    started(cluster, clock)
    until(cluster, engine(cluster, clock), clock, Phase.OBSERVING)
    cluster.edit_route(0, weight_percent=37)
    amend(cluster, lambda record: record.going_on(abort(current(cluster), by="ada", at=clock(), why="no")))
    ended = engine(cluster, clock).run()
    assert is_all_stable(cluster)
    assert [each.why for each in ended.decisions if each.act is Act.NOTICE] == [
        "HTTPRoute/triptych: the candidate's share in percent was 5 and is 37 (by somebody): "
        "written over, since all traffic goes back"
    ]


def test_a_pause_holds_and_promote_passes_steps() -> None:
    cluster, clock = PlainCluster(), Clock()
    started(cluster, clock)
    driver = engine(cluster, clock, verdict=lambda _: Act.HOLD)
    until(cluster, driver, clock, Phase.OBSERVING)
    amend(cluster, lambda record: record.going_on(pause(current(cluster), by="ada", at=clock(), why="lunch")))
    for _ in range(10_000):
        driver.tick()
        clock.sleep(1)
    assert current(cluster).phase is Phase.OBSERVING
    amend(
        cluster,
        lambda record: record.going_on(promote(current(cluster), COURSE, whole=False, by="ada", at=clock(), why="go")),
    )
    assert (current(cluster).step, current(cluster).phase, current(cluster).paused) == (1, Phase.SCALING, None)
    amend(
        cluster,
        lambda record: record.going_on(promote(current(cluster), COURSE, whole=True, by="ada", at=clock(), why="go")),
    )
    assert driver.run().phase is Phase.PROMOTED


def test_inconclusive_holds_and_then_goes_back() -> None:
    cluster, clock = PlainCluster(), Clock()
    started(cluster, clock)
    ended = engine(cluster, clock, course=replace(COURSE, hold_s=60.0), verdict=lambda _: Act.HOLD).run()
    assert ended.phase is Phase.ABORTED
    [why] = [each.why for each in ended.decisions if each.act is Act.EXPIRE]
    assert why.startswith("inconclusive for 6")


def test_pods_that_do_not_come_are_waited_for_and_then_given_up() -> None:
    cluster, clock = PlainCluster(ready=False), Clock()
    started(cluster, clock)
    ended = engine(cluster, clock, course=replace(COURSE, pods_s=60.0)).run()
    assert ended.phase is Phase.ABORTED
    assert {weight for weights in cluster.weights for weight in weights} == {0}


def test_a_step_lasts_as_long_as_the_plan_says() -> None:
    cluster, clock = PlainCluster(), Clock()
    course = replace(COURSE, shares=(Share(5, 100.0), Share(50, 100.0)))
    started(cluster, clock, course=course)
    began = clock()
    engine(cluster, clock, course=course).run()
    assert 200 <= (clock() - began).total_seconds() < 230


def test_undo_is_a_rollout_of_its_own_and_nothing_else_can_be_undone() -> None:
    cluster, clock = PlainCluster(), Clock()
    started(cluster, clock)
    engine(cluster, clock).run()
    amend(cluster, lambda record: undo(record, cluster.observe(), by="ada", at=clock(), why=""))
    assert engine(cluster, clock).run().phase is Phase.UNDONE
    assert is_all_stable(cluster, OLD)
    assert [each.phase for each in cluster.record.history] == [Phase.PROMOTED]
    with pytest.raises(RefusedError, match="see rollout undo"):
        abort(current(cluster), by="ada", at=clock(), why="")


def test_who_lost_the_lease_stops() -> None:
    cluster, clock = PlainCluster(), Clock()
    started(cluster, clock)
    with pytest.raises(LostLeaseError, match="another process drives"):
        engine(cluster, clock, may_drive=False).run()


@pytest.mark.parametrize(("limit_s", "end"), [(None, Phase.PROMOTED), (30.0, Phase.ABORTED)])
def test_an_outage_stops_everything_and_then_goes_on_or_back(limit_s: float | None, end: Phase) -> None:
    cluster, clock = PlainCluster(), Clock()
    started(cluster, clock)
    course = replace(COURSE, outage_s=limit_s)
    driver = engine(cluster, clock, course=course)
    until(cluster, driver, clock, Phase.OBSERVING)
    over = clock.now.timestamp() + 60
    read, writes = cluster.read, cluster.writes

    def unreachable() -> tuple[Record, str | None]:
        if clock.now.timestamp() < over:
            assert cluster.writes == writes
            raise UnreachableError("down")
        return read()

    cluster.read = unreachable  # type: ignore[method-assign]
    ended = driver.run()
    assert ended.phase is end
    assert any("could not be asked for 6" in each.why for each in ended.decisions)


def test_another_release_or_plan_is_refused_while_one_is_under_way() -> None:
    cluster, clock = PlainCluster(), Clock()
    started(cluster, clock)
    with pytest.raises(RefusedError, match="another plan"):
        begin(cluster.record, cluster.observe(), release=NEW, plan="x", course=COURSE, by="bob", at=clock())
    with pytest.raises(RefusedError, match="another release"):
        begin(cluster.record, cluster.observe(), release=OLD, plan="steps", course=COURSE, by="bob", at=clock())


def test_by_replicas_the_stable_track_keeps_its_pods_and_the_share_is_at_most_what_the_plan_says() -> None:
    course = Course(way=Way.REPLICAS, shares=(Share(10), Share(50)))
    assert [course.replicas(step, stable=9) for step in (0, 1)] == [1, 9]


def test_by_replicas_there_is_no_step_of_all_for_which_no_number_of_pods_is_enough() -> None:
    course = course_of(load_plan("strategy: replicas"))
    assert [share.weight_percent for share in course.shares] == [5, 25, 50]


def test_a_world_lists_every_object() -> None:
    world = PlainCluster().observe()
    assert isinstance(world, World)
    assert len(world.seen) == 4
