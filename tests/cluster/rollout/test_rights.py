"""Case 34: what whoever runs rollouts may do is a golden list, and each right on it is needed."""

import time
from collections.abc import Iterator
from copy import deepcopy
from typing import Any

import pytest

from cluster.driven import Driven
from cluster.tracks import NAME, USER, Tracks
from triptych_ops.rollout.cluster import Access, Events, Names
from triptych_ops.rollout.errors import ForbiddenError
from triptych_ops.rollout.lease import Lease
from triptych_ops.rollout.state import Phase

_KNOWN_S = 20
GOLDEN = {
    ("configmaps", "", "create"),
    ("configmaps", f"{NAME}-rollout", "get"),
    ("configmaps", f"{NAME}-rollout", "update"),
    ("deployments.apps", f"{NAME}-candidate", "get"),
    ("deployments.apps", f"{NAME}-candidate", "patch"),
    ("deployments.apps", f"{NAME}-stable", "get"),
    ("deployments.apps", f"{NAME}-stable", "patch"),
    ("events", "", "create"),
    ("grpcroutes.gateway.networking.k8s.io", NAME, "get"),
    ("grpcroutes.gateway.networking.k8s.io", NAME, "patch"),
    ("httproutes.gateway.networking.k8s.io", NAME, "get"),
    ("httproutes.gateway.networking.k8s.io", NAME, "patch"),
    ("leases.coordination.k8s.io", "", "create"),
    ("leases.coordination.k8s.io", f"{NAME}-rollout", "get"),
    ("leases.coordination.k8s.io", f"{NAME}-rollout", "update"),
    ("pods", "", "list"),
}


def test_case_34_the_operators_rights_are_these(tracks: Tracks) -> None:
    found = _rights(tracks, USER) - _rights(tracks, "nobody")
    assert found == GOLDEN
    assert not [right for right in found if "secrets" in right[0]]
    print(f"case 34: whoever runs rollouts has {len(found)} rights, as listed, none on secrets")


@pytest.mark.timeout(400)
def test_case_34_without_any_right_a_rollout_fails(tracks: Tracks) -> None:
    role = tracks.kubectl.get("role", f"{NAME}-rollout")
    _forget(tracks)
    _whole_rollout(tracks)
    tracks.set_up()
    removed = 0
    for smaller in _smaller(role["rules"]):
        _forget(tracks)
        _set_rules(tracks, smaller)
        _wait_known(tracks, _count(smaller))
        with pytest.raises(ForbiddenError):
            _whole_rollout(tracks)
        removed += 1
        _set_rules(tracks, role["rules"])
        _wait_known(tracks, _count(role["rules"]))
        if Driven.of(tracks).cluster.read()[0].current is not None:
            tracks.run(tracks.command("abort"))
    print(f"case 34: each of the {removed} verbs of the Role taken away alone stops a rollout")


def _rights(tracks: Tracks, user: str) -> set[tuple[str, str, str]]:
    """(resource, name, verb), as the API server lists them."""
    account = f"system:serviceaccount:{tracks.kubectl.namespace}:{user}"
    groups = [f"--as-group=system:{group}" for group in ("authenticated", "serviceaccounts")]
    said = tracks.kubectl("auth", "can-i", "--list", "--no-headers", f"--as={account}", *groups)
    rights = set()
    for line in said.splitlines():
        resource, rest = line.split(None, 1)
        _, names, verbs = (part.rpartition("[")[2] for part in rest.split("]")[:3])
        rights |= {(resource, name, verb) for name in names.split() or [""] for verb in verbs.split()}
    return rights


def _whole_rollout(tracks: Tracks) -> None:
    """Everything that the command asks of the cluster, as its user."""
    driven = Driven.of(tracks, user=USER)
    access = Access.from_kubeconfig(tracks.kubeconfig(USER))
    lease = Lease(driven.leases, "test")
    lease.take(within_s=30)
    try:
        driven.begin()
        events = Events(access, Names(access.namespace, NAME), uid=driven.cluster.uid("candidate"))
        for decision in driven.rollout.decisions:
            events(driven.rollout, decision)
        driven.until(Phase.OBSERVING)
        lease.renew()
    finally:
        lease.leave()


def _smaller(rules: list[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    """The rules without one verb of one resource."""
    for index, rule in enumerate(rules):
        for resource in rule["resources"]:
            for verb in rule["verbs"]:
                smaller = deepcopy(rules)
                rest = {**rule, "resources": [each for each in rule["resources"] if each != resource]}
                less = {**rule, "resources": [resource], "verbs": [each for each in rule["verbs"] if each != verb]}
                smaller[index : index + 1] = [each for each in (rest, less) if each["resources"] and each["verbs"]]
                yield smaller


def _set_rules(tracks: Tracks, rules: list[dict[str, Any]]) -> None:
    role = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "metadata": {"name": f"{NAME}-rollout"}}
    tracks.kubectl("replace", "--filename", "-", manifest={**role, "rules": rules})


def _count(rules: list[dict[str, Any]]) -> int:
    """The rights that rules give."""
    return sum(len(rule["resources"]) * len(rule["verbs"]) * len(rule.get("resourceNames", [""])) for rule in rules)


def _wait_known(tracks: Tracks, rights: int) -> None:
    """Until the API server goes by the Role as it is now: it learns of it a moment later."""
    deadline = time.monotonic() + _KNOWN_S
    everybody = _rights(tracks, "nobody")
    while len(_rights(tracks, USER) - everybody) != rights:
        assert time.monotonic() < deadline, "the API server does not go by the Role"
        time.sleep(0.05)


def _forget(tracks: Tracks) -> None:
    tracks.kubectl("delete", f"configmap/{NAME}-rollout", f"lease/{NAME}-rollout", "--ignore-not-found")
