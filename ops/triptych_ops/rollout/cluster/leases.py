"""A Lease of coordination.k8s.io, as Kubernetes' own controllers use it."""

from datetime import UTC, datetime

from triptych_ops.errors import MissingError

from ..lease import DURATION_S, Held
from .access import Access, Names, Object
from .objects import path


class KubernetesLeases:
    """The Lease of a release of the chart."""

    def __init__(self, access: Access, names: Names) -> None:
        self._access = access
        self._names = names

    def read(self) -> Held:
        """What it says now.

        Raises:
            UnreachableError: the cluster does not answer.
        """
        try:
            return _held(self._access.get(path("Lease", self._names, self._names.record)))
        except MissingError:
            return Held(None, None)

    def write(self, holder: str | None, *, over: Held) -> Held:
        """Name a holder, or none, where it still is what `over` says.

        Raises:
            ConflictError: it is not.
            UnreachableError: the cluster does not answer.
        """
        now = datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
        metadata: Object = {"name": self._names.record, "labels": {"app.kubernetes.io/part-of": "triptych"}}
        body: Object = {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": metadata}
        # Read by people and by their tools; who takes it goes by its versions and by a clock of one's own.
        body["spec"] = {"leaseDurationSeconds": int(DURATION_S), "renewTime": now}
        if holder is not None:
            body["spec"]["holderIdentity"] = holder
        if over.version is None:
            return _held(self._access.create(path("Lease", self._names, ""), body))
        metadata["resourceVersion"] = over.version
        return _held(self._access.replace(path("Lease", self._names, self._names.record), body))


def _held(found: Object) -> Held:
    return Held(found["spec"].get("holderIdentity"), found["metadata"]["resourceVersion"])
