"""HTTPRoutes and GRPCRoutes: the candidate's share, and mirroring, in each rule that names both tracks.

A sticky header is a rule more for each of these, before all others: the same matches and the header, to the candidate
alone. It is known again by just that, so that a rule of somebody else's is never taken for one.
"""

from collections.abc import Iterator
from copy import deepcopy
from typing import Final

from pydantic import ValidationError

from triptych_ops.errors import MissingError

from ..changes import SetRoute
from ..state import Sticky
from ..world import Route
from .access import Names, Object
from .objects import marking, seen

KINDS: Final = ("HTTPRoute", "GRPCRoute")
_WEIGHT: Final = 1  # where none is said, by the Gateway API


def read_route(found: Object, names: Names) -> Route:
    """What a route says.

    Raises:
        MissingError: no rule of it names both tracks.
    """
    shares = {_share(rule, names) for rule in _dividing(found, names)}
    mirrors = {_mirror(rule, names) is not None for rule in _dividing(found, names)}
    if not shares:
        raise MissingError(
            f"no rule of {found['kind']} {found['metadata']['name']} divides requests between {names.track('stable')} "
            f"and {names.track('candidate')}; set tracks.candidate.enabled in the chart's values"
        )
    share = shares.pop() if len(shares) == 1 else None
    sticky = next(iter(_pins(found, names).values()), None)
    return Route(seen(found, _untouched(found, names)), share, mirrors == {True}, sticky)


def operations(found: Object, names: Names, change: SetRoute) -> list[Object]:
    """The JSON patch of a change."""
    made = marking(found, change.mark)
    for index, rule in enumerate(found["spec"]["rules"]):
        if not _divides(rule, names):
            continue
        at = f"/spec/rules/{index}"
        weights = {names.track("stable"): 100 - change.weight_percent, names.track("candidate"): change.weight_percent}
        made += [
            {"op": "add", "path": f"{at}/backendRefs/{position}/weight", "value": weights[backend["name"]]}
            for position, backend in enumerate(rule["backendRefs"])
            if backend["name"] in weights
        ]
        made += _mirroring(rule, at, names, wanted=change.mirror)
    return made + _pinning(found, names, wanted=change.sticky)


def _pinning(found: Object, names: Names, *, wanted: Sticky | None) -> list[Object]:
    """The operations for the sticky rules, after all that go by the rules' positions."""
    pins = _pins(found, names)
    if set(pins.values()) == ({wanted} if wanted else set()):
        return []
    made: list[Object] = [
        {"op": "remove", "path": f"/spec/rules/{position}"} for position in sorted(pins, reverse=True)
    ]
    if wanted:
        added = [_pin(rule, names, wanted) for rule in _dividing(found, names)]
        made += [{"op": "add", "path": "/spec/rules/0", "value": each} for each in reversed(added)]
    return made


def _pin(rule: Object, names: Names, sticky: Sticky) -> Object:
    """The rule for a header beside the one that divides."""
    header = {"type": "Exact", "name": sticky.header, "value": sticky.value}
    [candidate] = [each for each in rule["backendRefs"] if each["name"] == names.track("candidate")]
    made: Object = {key: deepcopy(value) for key, value in rule.items() if key != "name"}
    if (position := _mirror(rule, names)) is not None:
        del made["filters"][position]
    made["matches"] = [{**match, "headers": [*match.get("headers", []), header]} for match in _matches(rule)]
    made["backendRefs"] = [{**candidate, "weight": _WEIGHT}]
    return made


def _pins(found: Object, names: Names) -> dict[int, Sticky]:
    """Positions of the sticky rules; none unless each rule that divides has one, all with one header."""
    divided = [_matches(rule) for rule in _dividing(found, names)]
    pins: dict[int, Sticky] = {}
    pinned: list[list[Object]] = []
    for position, rule in enumerate(found["spec"].get("rules", [])):
        parted = _parted(rule, names)
        if parted is not None and parted[1] in divided:
            pins[position] = parted[0]
            pinned.append(parted[1])
    whole = len(set(pins.values())) == 1 and all(each in pinned for each in divided)
    return pins if whole else {}


def _parted(rule: Object, names: Names) -> tuple[Sticky, list[Object]] | None:
    """The header that all matches end with, and the matches without it, of a rule to the candidate alone."""
    headers = [(match.get("headers") or [{}])[-1] for match in _matches(rule)]
    alone = [each["name"] for each in rule.get("backendRefs", [])] == [names.track("candidate")]
    if not alone or any(each != headers[0] for each in headers) or headers[0].get("type", "Exact") != "Exact":
        return None
    try:
        sticky = Sticky(header=headers[0].get("name", ""), value=headers[0].get("value", ""))
    except ValidationError:
        return None
    rest = []
    for match in _matches(rule):
        others = {"headers": match["headers"][:-1]} if len(match["headers"]) > 1 else {}
        rest.append({**{key: value for key, value in match.items() if key != "headers"}, **others})
    return sticky, rest


def _matches(rule: Object) -> list[Object]:
    return rule.get("matches") or [{}]


def _mirroring(rule: Object, at: str, names: Names, *, wanted: bool) -> Iterator[Object]:
    position = _mirror(rule, names)
    if wanted and position is None:
        [candidate] = [each for each in rule["backendRefs"] if each["name"] == names.track("candidate")]
        backend = {key: value for key, value in candidate.items() if key != "weight"}
        added = {"type": "RequestMirror", "requestMirror": {"backendRef": backend}}
        yield {"op": "add", "path": f"{at}/filters", "value": [*rule.get("filters", []), added]}
    if not wanted and position is not None:
        yield {"op": "remove", "path": f"{at}/filters/{position}"}


def _mirror(rule: Object, names: Names) -> int | None:
    """Which filter of the rule mirrors to the candidate."""
    for position, each in enumerate(rule.get("filters", [])):
        if each.get("requestMirror", {}).get("backendRef", {}).get("name") == names.track("candidate"):
            return position
    return None


def _dividing(found: Object, names: Names) -> list[Object]:
    return [rule for rule in found["spec"].get("rules", []) if _divides(rule, names)]


def _divides(rule: Object, names: Names) -> bool:
    backends = {backend["name"] for backend in rule.get("backendRefs", [])}
    return {names.track("stable"), names.track("candidate")} <= backends


def _share(rule: Object, names: Names) -> int | None:
    """The candidate's percentage; None where it is no whole one, or a third backend has some."""
    weights = {backend["name"]: backend.get("weight", _WEIGHT) for backend in rule["backendRefs"]}
    total = sum(weights.values())
    percent, rest = divmod(100 * weights[names.track("candidate")], total) if total else (0, 1)
    others = total - weights[names.track("candidate")] - weights[names.track("stable")]
    return None if rest or others else percent


def _untouched(found: Object, names: Names) -> Object:
    """The specification without weights of the tracks, without our mirroring and our sticky rules."""
    spec: Object = deepcopy(found["spec"])
    for pin in sorted(_pins(found, names), reverse=True):
        del spec["rules"][pin]
    for rule in spec.get("rules", []):
        if not _divides(rule, names):
            continue
        if (position := _mirror(rule, names)) is not None:
            del rule["filters"][position]
        if not rule.get("filters"):
            rule.pop("filters", None)
        for backend in rule["backendRefs"]:
            if backend["name"] in (names.track("stable"), names.track("candidate")):
                backend.pop("weight", None)
    return spec
