"""Case 34, the pods' half: a pod's service account may do nothing that everybody may not do, and has no token."""

import pytest

from cluster.charts import NAME, Charted
from cluster.cluster import is_own

pytestmark = pytest.mark.skipif(not is_own(), reason="needs a node of our own")


def test_pods_have_no_rights_and_no_token(chart: Charted) -> None:
    chart.install()
    account = f"system:serviceaccount:{chart.kubectl.namespace}:{NAME}"
    theirs = _rights(chart, account)
    assert theirs == _rights(chart, "system:serviceaccount:default:nobody")
    assert not [line for line in theirs if "secrets" in line]
    [pod] = chart.pods()
    for container in ("server", "edge", "health"):
        found = chart.kubectl.run("exec", pod, "--container", container, "--", "ls", "/var/run/secrets")
        assert "No such file" in found.stderr
    print(f"case 34: pods have the {len(theirs)} rights of everybody, none on secrets, and no token")


def test_a_right_is_noticed(chart: Charted) -> None:
    """The control: the namespace's own view role."""
    chart.kubectl(
        "create", "rolebinding", "look", "--clusterrole=view", f"--serviceaccount={chart.kubectl.namespace}:x"
    )
    looker = _rights(chart, f"system:serviceaccount:{chart.kubectl.namespace}:x")
    assert looker != _rights(chart, "system:serviceaccount:default:nobody")


def _rights(chart: Charted, user: str) -> list[str]:
    said = chart.kubectl("auth", "can-i", "--list", "--no-headers", f"--as={user}", "--as-group=system:authenticated")
    return sorted(said.splitlines())
