"""HTTPRoutes and GRPCRoutes: the candidate's share, and mirroring, in each rule that names both tracks."""

from collections.abc import Iterator
from copy import deepcopy
from typing import Final

from triptych_ops.errors import MissingError

from ..changes import SetRoute
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
    return Route(seen(found, _untouched(found, names)), share, mirrors == {True})


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
    return made


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
    """The specification without weights of the tracks and without our mirroring."""
    spec: Object = deepcopy(found["spec"])
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
