"""Decisions as Events of the candidate's Deployment: `kubectl describe` shows them."""

from datetime import UTC
from typing import Final

from ..errors import ConflictError
from ..state import Act, Decision, Rollout
from .access import MANAGER, Access, Names, Object

_WARNINGS: Final = frozenset({Act.ABORT, Act.NOTICE, Act.FORCE})
_LONGEST: Final = 1000  # characters; the API takes 1024


class Events:
    """Tells each decision once: an Event has its decision's number in its name."""

    def __init__(self, access: Access, names: Names, *, uid: str) -> None:
        self._access = access
        self._names = names
        self._uid = uid

    def __call__(self, rollout: Rollout, decision: Decision) -> None:
        """Tell it; nothing where it is told.

        Raises:
            ForbiddenError: this user may not.
            UnreachableError: the cluster does not answer.
        """
        try:
            self._access.create(f"/api/v1/namespaces/{self._names.namespace}/events", self._event(rollout, decision))
        except ConflictError:
            return

    def _event(self, rollout: Rollout, decision: Decision) -> Object:
        at = decision.at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
        said = f"rollout {rollout.number} of {rollout.release}, {decision.phase}: {decision.why} (by {decision.by})"
        return {
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": {"name": f"{self._names.record}.{self._uid[:8]}.{rollout.number}.{decision.number}"},
            "involvedObject": {
                "apiVersion": "apps/v1",
                "kind": "Deployment",
                "name": self._names.track("candidate"),
                "namespace": self._names.namespace,
                "uid": self._uid,
            },
            "type": "Warning" if decision.act in _WARNINGS else "Normal",
            "reason": f"Rollout{decision.act.capitalize()}",
            "message": said[:_LONGEST],
            "source": {"component": MANAGER},
            "firstTimestamp": at,
            "lastTimestamp": at,
            "count": 1,
        }
