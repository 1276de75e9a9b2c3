"""The tracks' Deployments: the release that their pods pull, and how many pods there are.

A release stands in three places of the chart's pod template: a label, an annotation, and what the container `pull` is
told. They are written together; where they do not agree, somebody else wrote one of them.
"""

from copy import deepcopy
from typing import Final

from triptych_ops.errors import RefusedError

from ..changes import SetTrack
from ..state import Binding
from ..world import Track
from .access import Object
from .objects import escaped, marking, seen

RELEASE: Final = "triptych/release"
DIGEST: Final = "triptych/manifest-sha256"
_PULL: Final = "pull"
_FLAG: Final = "--manifest-sha256="


def read_track(found: Object) -> Track:
    """What a Deployment says.

    Raises:
        RefusedError: its pods pull no release, so it is none of the chart's.
    """
    spec, status = found["spec"], found.get("status", {})
    replicas = spec.get("replicas", 1)
    ready = min(status.get("updatedReplicas", 0), status.get("availableReplicas", 0))
    observed = status.get("observedGeneration", 0) >= found["metadata"]["generation"]
    return Track(
        seen=seen(found, _untouched(found)),
        binding=_binding(found),
        replicas=replicas,
        ready=ready if observed else 0,
        current=observed and ready == replicas == status.get("replicas", 0),
    )


def operations(found: Object, change: SetTrack) -> list[Object]:
    """The JSON patch of a change."""
    container, number, digest = _places(found)
    release, sha256 = str(change.binding.release), change.binding.manifest_sha256
    template, arguments = "/spec/template", f"/spec/template/spec/initContainers/{container}/args"
    made = marking(found, change.mark)
    if _binding(found) != change.binding:
        made += [
            {"op": "add", "path": f"{template}/metadata/labels/{escaped(RELEASE)}", "value": release},
            {"op": "add", "path": f"{template}/metadata/annotations/{escaped(DIGEST)}", "value": sha256},
            {"op": "replace", "path": f"{arguments}/{number}", "value": release},
            {"op": "replace", "path": f"{arguments}/{digest}", "value": f"{_FLAG}{sha256}"},
        ]
    if change.replicas is not None and change.replicas != found["spec"].get("replicas"):
        made.append({"op": "add", "path": "/spec/replicas", "value": change.replicas})
    return made


def selector(found: Object) -> str:
    """Which pods are its own, as the API is asked for them."""
    return ",".join(f"{key}={value}" for key, value in found["spec"]["selector"]["matchLabels"].items())


def _binding(found: Object) -> Binding | None:
    container, number, digest = _places(found)
    template = found["spec"]["template"]
    arguments = template["spec"]["initContainers"][container]["args"]
    pulled = (arguments[number], arguments[digest].removeprefix(_FLAG))
    metadata = template["metadata"]
    said = (metadata.get("labels", {}).get(RELEASE), metadata.get("annotations", {}).get(DIGEST))
    if said != pulled:
        return None
    try:
        return Binding(release=int(pulled[0]), manifest_sha256=pulled[1])
    except ValueError:
        return None


def _places(found: Object) -> tuple[int, int, int]:
    """Where the release stands: the container, and of its arguments the number and the digest."""
    containers = found["spec"]["template"]["spec"].get("initContainers", [])
    for index, container in enumerate(containers):
        arguments = container.get("args", [])
        digests = [position for position, each in enumerate(arguments) if each.startswith(_FLAG)]
        if container["name"] == _PULL and _PULL in arguments and digests:
            return index, arguments.index(_PULL) + 1, digests[0]
    raise RefusedError(
        f"no container of {found['kind']} {found['metadata']['name']} pulls a release; is it one of the chart's?"
    )


def _untouched(found: Object) -> Object:
    """The specification without the replicas and without the release."""
    container, number, digest = _places(found)
    spec: Object = deepcopy(found["spec"])
    spec.pop("replicas", None)
    metadata = spec["template"]["metadata"]
    metadata.get("labels", {}).pop(RELEASE, None)
    metadata.get("annotations", {}).pop(DIGEST, None)
    arguments = spec["template"]["spec"]["initContainers"][container]["args"]
    arguments[number] = arguments[digest] = ""
    return spec
