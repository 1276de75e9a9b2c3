"""The record in a ConfigMap, the tracks' Deployments, the routes: what the engine asks for, of a real cluster."""

import urllib.parse
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from triptych_ops.errors import MissingError

from ..changes import Change, SetRoute
from ..state import Record, Rollout, parse_record
from ..world import World
from . import deployments, routes
from .access import Access, Names, Object
from .job import job
from .mirroring import require_mirroring
from .objects import disowning, path, path_of

_KEY: Final = "record.json"


@dataclass(frozen=True, slots=True)
class Pod:
    """One of a track's: its address, None while it has none, and whether it gets requests."""

    name: str
    address: str | None
    ready: bool


class KubernetesCluster:
    """A release of the chart on a cluster."""

    def __init__(self, access: Access, names: Names, *, routed: bool = True) -> None:
        self._access = access
        self.names = names
        self._routed = routed

    def read(self) -> tuple[Record, str | None]:
        """The record and its version, None where there is none yet.

        Raises:
            RefusedError: what is there is no record.
            UnreachableError: the cluster does not answer.
        """
        try:
            found = self._access.get(path("ConfigMap", self.names, self.names.record))
        except MissingError:
            return Record(), None
        text = found.get("data", {}).get(_KEY, "{}")
        return parse_record(text, where=f"ConfigMap {self.names.record}"), found["metadata"]["resourceVersion"]

    def write(self, record: Record, *, over: str | None) -> None:
        """Write the record where it still has this version.

        Raises:
            ConflictError: it has not.
            UnreachableError: the cluster does not answer.
        """
        metadata = {"name": self.names.record, "labels": {"app.kubernetes.io/part-of": "triptych"}}
        body: Object = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata}
        body["data"] = {_KEY: record.model_dump_json(exclude_defaults=True)}
        if over is None:
            self._access.create(path("ConfigMap", self.names, ""), body)
        else:
            metadata["resourceVersion"] = over
            self._access.replace(path("ConfigMap", self.names, self.names.record), body)

    def observe(self) -> World:
        """What the tracks and the routes say.

        Raises:
            MissingError: a track or a route is missing.
            RefusedError: they are none of the chart's.
            UnreachableError: the cluster does not answer.
        """
        stable, candidate = (deployments.read_track(self._track(track)) for track in ("stable", "candidate"))
        kinds = routes.KINDS if self._routed else ()
        found = (self._access.get(path(kind, self.names, self.names.name)) for kind in kinds)
        return World(stable, candidate, tuple(routes.read_route(each, self.names) for each in found))

    def apply(self, change: Change) -> None:
        """Write a change where the object still has the version that was seen.

        Raises:
            ConflictError: it has not.
            UnreachableError: the cluster does not answer.
        """
        at = path_of(change.seen, self.names)
        self._access.patch(at, self._operations(change, self._access.get(at)), version=change.seen.version)

    def let_go(self) -> None:
        """Own no field of the objects any more: helm, which applies on the server, would be refused for ever.

        Raises:
            ConflictError: somebody wrote to one of them in the meantime.
            UnreachableError: the cluster does not answer.
        """
        for seen in self.observe().seen:
            at = path_of(seen, self.names)
            found = self._access.get(at)
            if operations := disowning(found):
                self._access.patch(at, operations, version=found["metadata"]["resourceVersion"])

    def rehearse(self, change: Change) -> tuple[Object, Object]:
        """The object now, and as the API server says it would be; nothing is stored.

        Raises:
            ConflictError: it has another version than the one that was seen.
            UnreachableError: the cluster does not answer.
        """
        at = path_of(change.seen, self.names)
        found = self._access.get(at)
        made = self._operations(change, found)
        return found, self._access.patch(at, made, version=change.seen.version, rehearse=True)

    def pods(self, track: str) -> tuple[Pod, ...]:
        """A track's pods that are not going, of its newest template.

        Raises:
            UnreachableError: the cluster does not answer.
        """
        deployment = self._track(track)
        release = deployment["spec"]["template"]["metadata"]["labels"][deployments.RELEASE]
        wanted = urllib.parse.quote(f"{deployments.selector(deployment)},{deployments.RELEASE}={release}")
        found = self._access.get(f"/api/v1/namespaces/{self.names.namespace}/pods?labelSelector={wanted}")
        return tuple(_pod(each) for each in found["items"] if "deletionTimestamp" not in each["metadata"])

    def job(self, rollout: Rollout, *, image: str | None = None) -> Object:
        """The Job that drives a rollout; see `job.job`.

        Raises:
            UnreachableError: the cluster does not answer.
        """
        return job(self.names, rollout, self._track("candidate"), image=image)

    def require_mirroring(self) -> None:
        """The routes' Gateways mirror requests.

        Raises:
            RefusedError: one of them does not, or nobody can tell.
            UnreachableError: the cluster does not answer.
        """
        require_mirroring(self._access, self.names)

    def uid(self, track: str) -> str:
        """Of a track's Deployment, for what refers to it.

        Raises:
            UnreachableError: the cluster does not answer.
        """
        found: str = self._track(track)["metadata"]["uid"]
        return found

    def _operations(self, change: Change, found: Object) -> list[Object]:
        if isinstance(change, SetRoute):
            return routes.operations(found, self.names, change)
        return deployments.operations(found, change)

    def _track(self, track: str) -> Object:
        name = self.names.track(track)
        try:
            return self._access.get(path("Deployment", self.names, name))
        except MissingError as error:
            hint = _HINTS[track].format(name=self.names.name)
            raise MissingError(f"there is no Deployment {name} in namespace {self.names.namespace}; {hint}") from error


_HINTS: Final[Mapping[str, str]] = {
    "stable": "name the chart's objects by --name, their namespace by --namespace",
    "candidate": "set tracks.candidate.enabled in the chart's values, with the stable release and no replicas",
}


def _pod(found: Object) -> Pod:
    status = found.get("status", {})
    conditions = status.get("conditions", [])
    ready = any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)
    return Pod(found["metadata"]["name"], status.get("podIP"), ready)
