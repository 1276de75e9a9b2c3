"""A header that leads to the candidate: in plans, in the engine, and in the rules of routes."""

from copy import deepcopy
from typing import Any

import pytest

from ops.rollout.clusters import COURSE, NEW, Clock, PlainCluster, engine
from triptych_ops.errors import RefusedError, UsageError
from triptych_ops.rollout.changes import SetRoute
from triptych_ops.rollout.cluster.access import Names, Object
from triptych_ops.rollout.cluster.routes import operations, read_route
from triptych_ops.rollout.course import Course, course_of
from triptych_ops.rollout.operations import amend, begin
from triptych_ops.rollout.plan import load_plan
from triptych_ops.rollout.state import Act, Phase, Record, Sticky

STICKY = Sticky(header="x-track", value="candidate")
NAMES = Names("shop", "triptych")
_PATH = {"type": "PathPrefix", "value": "/v2/models/image_classifier"}


def _route(*rules: Object) -> Object:
    metadata = {"name": "triptych", "resourceVersion": "1"}
    return {"kind": "HTTPRoute", "metadata": metadata, "spec": {"rules": deepcopy(list(rules))}}


def _dividing(*matches: Object) -> Object:
    backends = [{"name": f"triptych-{track}", "port": 8080, "weight": 50} for track in ("stable", "candidate")]
    return {"matches": list(matches), "backendRefs": backends}


def _to_candidate(*matches: Object) -> Object:
    return {"matches": list(matches), "backendRefs": [{"name": "triptych-candidate", "port": 8080, "weight": 1}]}


def _header(name: str, value: str) -> Object:
    return {"type": "Exact", "name": name, "value": value}


def _written(found: Object, sticky: Sticky | None) -> Object:
    """The route once what the engine wants is written to it."""
    change = SetRoute(read_route(found, NAMES).seen, "1.1", 5, mirror=False, sticky=sticky)
    made = deepcopy(found)
    for operation in operations(found, NAMES, change):
        _apply(made, operation)
    return made


def _apply(document: Object, operation: Object) -> None:
    """The parts of RFC 6902 that are used."""
    *parents, last = (part.replace("~1", "/").replace("~0", "~") for part in operation["path"].split("/")[1:])
    place: Any = document
    for part in parents:
        place = place[int(part)] if isinstance(place, list) else place[part]
    if isinstance(place, dict):
        place[last] = operation["value"]
    elif operation["op"] == "add":
        place.insert(int(last), operation["value"])
    else:
        del place[int(last)]


@pytest.mark.parametrize(
    "route",
    [
        _route(_dividing({"path": _PATH})),
        _route(_dividing({})),
        _route(_dividing({"path": _PATH, "headers": [_header("x-tenant", "a")]}, {"path": _PATH, "method": "GET"})),
        _route(_dividing({"path": _PATH}), _to_candidate({"path": {"type": "Exact", "value": "/debug"}})),
    ],
    ids=["one rule", "all requests", "two matches", "another rule"],
)
def test_a_sticky_rule_comes_and_goes_and_nothing_else_changes(route: Object) -> None:
    before = read_route(route, NAMES)
    assert before.sticky is None
    pinned = _written(route, STICKY)
    found = read_route(pinned, NAMES)
    assert (found.sticky, found.weight_percent, found.seen.untouched) == (STICKY, 5, before.seen.untouched)
    first = pinned["spec"]["rules"][0]
    assert [match["headers"][-1] for match in first["matches"]] == [_header("x-track", "candidate")] * len(
        first["matches"]
    )
    assert [each["name"] for each in first["backendRefs"]] == ["triptych-candidate"]
    again = _written(pinned, STICKY)
    assert again == pinned
    other = _written(pinned, Sticky(header="x-track", value="new"))
    assert read_route(other, NAMES).sticky == Sticky(header="x-track", value="new")
    assert len(other["spec"]["rules"]) == len(pinned["spec"]["rules"])
    gone = _written(other, None)
    assert gone["spec"]["rules"] == _written(route, None)["spec"]["rules"]


@pytest.mark.parametrize(
    "rule",
    [
        _to_candidate({"path": {"type": "Exact", "value": "/debug"}, "headers": [_header("x-track", "candidate")]}),
        _to_candidate({"path": _PATH}),
        _to_candidate({"path": _PATH, "headers": [_header("x-track", "a value of two; parts")]}),
        _to_candidate({"path": _PATH, "headers": [{**_header("x-track", "c.*"), "type": "RegularExpression"}]}),
    ],
    ids=["another path", "no header", "an odd value", "an expression"],
)
def test_another_rule_to_the_candidate_is_somebody_elses(rule: Object) -> None:
    route = _route(_dividing({"path": _PATH}))
    with_rule = _route(_dividing({"path": _PATH}), rule)
    found = read_route(with_rule, NAMES)
    assert found.sticky is None
    assert found.seen.untouched != read_route(route, NAMES).seen.untouched
    assert rule in _written(_written(with_rule, STICKY), None)["spec"]["rules"]


def test_a_sticky_rule_that_somebody_edits_is_noticed() -> None:
    pinned = _written(_route(_dividing({"path": _PATH})), STICKY)
    pinned["spec"]["rules"][0]["matches"][0]["headers"][0]["value"] = "everybody"
    assert read_route(pinned, NAMES).sticky == Sticky(header="x-track", value="everybody")


def test_the_header_leads_to_the_candidate_from_the_first_step_to_the_end() -> None:
    cluster, clock = PlainCluster(), Clock()
    course = Course(shares=COURSE.shares, sticky=STICKY, look_every_s=1.0, drain_s=2.0)
    _begin(cluster, clock, course)
    driver = engine(cluster, clock, course=course)
    seen: dict[Phase, set[Sticky | None]] = {}
    while isinstance(waited := driver.tick(), float):
        assert cluster.record.current is not None
        phase = cluster.record.current.phase
        seen.setdefault(phase, set()).update(route.sticky for route in cluster.routes)
        clock.sleep(waited)
    assert seen[Phase.PREPARING] == seen[Phase.CHECKING] == {None}
    assert seen[Phase.OBSERVING] == seen[Phase.PROMOTING] == {STICKY}
    assert {route.sticky for route in cluster.routes} == {None}


def test_a_refused_candidate_loses_the_header_with_its_share() -> None:
    cluster, clock = PlainCluster(), Clock()
    course = Course(shares=COURSE.shares, sticky=STICKY, look_every_s=1.0, drain_s=2.0)
    _begin(cluster, clock, course)
    ended = engine(cluster, clock, course=course, verdict=lambda _: Act.ABORT).run()
    assert ended.phase is Phase.ABORTED
    assert {(route.weight_percent, route.sticky) for route in cluster.routes} == {(0, None)}


def test_a_header_that_leads_to_the_candidate_before_its_gates_is_refused() -> None:
    cluster, clock = PlainCluster(), Clock()
    for index in range(len(cluster.routes)):
        cluster.edit_route(index, sticky=STICKY)
    with pytest.raises(RefusedError, match=r"HTTPRoute/triptych sends requests with x-track=candidate .* already"):
        _begin(cluster, clock, COURSE)


def test_a_plan_names_the_header_for_canaries_alone() -> None:
    text = "sticky: {header: x-track, value: candidate}\n"
    assert course_of(load_plan(text)).sticky == STICKY
    with pytest.raises(UsageError, match="sticky is for the strategy canary; shadow"):
        load_plan(f"{text}strategy: shadow\n")
    with pytest.raises(UsageError, match=r"line 1: sticky\.header"):
        load_plan("sticky: {header: 'x track', value: candidate}\n")


def _begin(cluster: PlainCluster, clock: Clock, course: Course) -> None:
    def beginning(record: Record) -> Record:
        return begin(record, cluster.observe(), release=NEW, plan="steps", course=course, by="ada", at=clock())

    amend(cluster, beginning)
