"""The Job that drives a rollout where nobody's laptop has to stay open. Pure.

Its pod runs what the candidate's `pull` runs, under the chart's service account, which has the chart's Role and nothing
else. A pod that dies or is evicted is followed by another, which goes on by the record; one that ends with a verdict
against the release, or is told that it may not, is not.
"""

from copy import deepcopy
from typing import Final

from triptych_ops.errors import RefusedError

from ..state import Rollout
from .access import Names, Object

_PODS: Final = 100
"""How many may die before the Job gives up."""
_KEPT_S: Final = 7 * 24 * 3600
_LABELS: Final = {"app.kubernetes.io/part-of": "triptych", "app.kubernetes.io/component": "rollout"}
_CLIENT: Final = {"triptych/client": "true"}
"""The chart's NetworkPolicy lets pods with it ask the candidate."""
_ENDS: Final = (2, 3, 4, 6)
"""Exit codes that another pod would only repeat: usage, not found, refused, inconclusive."""
_OF_THE_POD: Final = ("imagePullSecrets", "nodeSelector", "tolerations", "dnsPolicy", "dnsConfig", "hostAliases")


def job_name(names: Names, number: int) -> str:
    """Of the Job of this rollout."""
    return f"{names.name}-rollout-{number}"


def job(names: Names, rollout: Rollout, candidate: Object, *, image: str | None = None) -> Object:
    """The Job, as JSON.

    candidate: its Deployment
    image:     has the command `triptych` with the extra `rollout`; None for that of the candidate's `pull`

    Raises:
        RefusedError: the Deployment has no container `pull`, so it is none of the chart's.
    """
    name, spec = job_name(names, rollout.number), candidate["spec"]["template"]["spec"]
    pull = next((each for each in spec.get("initContainers", []) if each["name"] == "pull"), None)
    if pull is None:
        raise RefusedError(
            f"no container of Deployment {candidate['metadata']['name']} pulls; is it one of the chart's?"
        )
    container: Object = {
        "name": "rollout",
        "image": image or pull["image"],
        "imagePullPolicy": pull.get("imagePullPolicy", "IfNotPresent"),
        "command": ["triptych"],
        "args": ["rollout", "drive", "--name", names.name, "--namespace", names.namespace],
        "env": [{"name": "HOME", "value": "/tmp"}, {"name": "TRIPTYCH_ROLLOUT_BY", "value": f"job/{name}"}],  # noqa: S108
        "resources": {"requests": {"cpu": "50m", "memory": "128Mi"}, "limits": {"memory": "512Mi"}},
        "securityContext": deepcopy(pull.get("securityContext", {})),
        "volumeMounts": [{"name": "temporary", "mountPath": "/tmp"}],  # noqa: S108
    }
    pod: Object = {
        "serviceAccountName": f"{names.name}-rollout",
        "automountServiceAccountToken": True,
        "restartPolicy": "Never",
        "securityContext": deepcopy(spec.get("securityContext", {})),
        "containers": [container],
        "volumes": [{"name": "temporary", "emptyDir": {}}],
        **{key: deepcopy(spec[key]) for key in _OF_THE_POD if key in spec},
    }
    ending = {"action": "FailJob", "onExitCodes": {"containerName": "rollout", "operator": "In", "values": [*_ENDS]}}
    evicted = {"action": "Ignore", "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}]}
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": name, "labels": _LABELS},
        "spec": {
            "backoffLimit": _PODS,
            "podFailurePolicy": {"rules": [ending, evicted]},
            "ttlSecondsAfterFinished": _KEPT_S,
            "template": {"metadata": {"labels": _LABELS | _CLIENT}, "spec": pod},
        },
    }
