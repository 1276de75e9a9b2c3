"""The rules of Pod Security "restricted" as a table.

https://kubernetes.io/docs/concepts/security/pod-security-standards/#restricted, with all of "baseline".
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

_VOLUMES = frozenset(
    {
        "configMap",
        "csi",
        "downwardAPI",
        "emptyDir",
        "ephemeral",
        "image",
        "persistentVolumeClaim",
        "projected",
        "secret",
    }
)
_SYSCTLS = frozenset({"kernel.shm_rmid_forced", "net.ipv4.ip_local_port_range", "net.ipv4.ip_unprivileged_port_start"})

Spec = Mapping[str, Any]

_OF_PODS: Mapping[str, Callable[[Spec], bool]] = {
    "host namespaces": lambda pod: not any(pod.get(name) for name in ("hostNetwork", "hostPID", "hostIPC")),
    "volume types": lambda pod: all(set(volume) - {"name"} <= _VOLUMES for volume in pod.get("volumes", [])),
    "sysctls": lambda pod: {each["name"] for each in _security(pod).get("sysctls", [])} <= _SYSCTLS,
    "windows host process": lambda pod: "windowsOptions" not in _security(pod),
    "SELinux": lambda pod: "seLinuxOptions" not in _security(pod),
    "user": lambda pod: _security(pod).get("runAsUser", 1) != 0,
}
_OF_CONTAINERS: Mapping[str, Callable[[Spec, Spec], bool]] = {
    "privileged": lambda _, each: not _security(each).get("privileged"),
    "privilege escalation": lambda _, each: _security(each).get("allowPrivilegeEscalation") is False,
    "capabilities": lambda _, each: (
        _security(each).get("capabilities", {}).get("drop") == ["ALL"]
        and set(_security(each)["capabilities"].get("add", [])) <= {"NET_BIND_SERVICE"}
    ),
    "non-root": lambda pod, each: _security(each).get("runAsNonRoot", _security(pod).get("runAsNonRoot")) is True,
    "user": lambda _, each: _security(each).get("runAsUser", 1) != 0,
    "seccomp": lambda pod, each: (
        _security(each).get("seccompProfile", _security(pod).get("seccompProfile", {})).get("type")
        in ("RuntimeDefault", "Localhost")
    ),
    "host ports": lambda _, each: not any(port.get("hostPort") for port in each.get("ports", [])),
    "proc mount": lambda _, each: _security(each).get("procMount", "Default") == "Default",
    "probe hosts": lambda _, each: not any("host" in handler for handler in _handlers(each)),
    "SELinux": lambda _, each: "seLinuxOptions" not in _security(each),
    "AppArmor": lambda _, each: _security(each).get("appArmorProfile", {}).get("type") != "Unconfined",
}

RULES = (*_OF_PODS, *_OF_CONTAINERS)


def containers(pod: Spec) -> list[Spec]:
    """Of both kinds."""
    return [*pod.get("initContainers", []), *pod["containers"]]


def violations(pod: Spec) -> list[str]:
    """What the namespace would say of a pod's spec; empty where it is admitted without a warning."""
    found = [rule for rule, holds in _OF_PODS.items() if not holds(pod)]
    for each in containers(pod):
        found += [f"{each['name']}: {rule}" for rule, holds in _OF_CONTAINERS.items() if not holds(pod, each)]
    return found


def _security(spec: Spec) -> Mapping[str, Any]:
    found: Mapping[str, Any] = spec.get("securityContext", {})
    return found


def _handlers(container: Spec) -> Iterator[Mapping[str, Any]]:
    probes = [container.get(name, {}) for name in ("startupProbe", "readinessProbe", "livenessProbe")]
    for holder in (*probes, *container.get("lifecycle", {}).values()):
        yield from (holder[kind] for kind in ("httpGet", "tcpSocket") if kind in holder)
