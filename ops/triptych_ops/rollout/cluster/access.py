"""Asks the API server; its answers and failures in the tooling's words.

Objects are plain JSON here: what a rollout reads of them is little, and what it does not know it must not lose.
"""

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import urllib3
import yaml
from kubernetes import client, config

from triptych_ops.errors import MissingError, OpsError, UsageError, reason

from ..errors import ConflictError, ForbiddenError, UnreachableError

MANAGER: Final = "triptych-rollout"
"""The field manager of all that rollouts write."""

_TIMEOUT_S: Final = (3.0, 5.0)  # to connect, to answer
_JSON: Final = "application/json"
_JSON_PATCH: Final = "application/json-patch+json"

Object = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Names:
    """A release of the chart: its namespace, and the name that its objects begin with."""

    namespace: str
    name: str

    @property
    def record(self) -> str:
        """Of the ConfigMap, and of the Lease."""
        return f"{self.name}-rollout"

    def track(self, track: str) -> str:
        """Of a track's Deployment and Service."""
        return f"{self.name}-{track}"


class Access:
    """An API server, as one user."""

    def __init__(self, connection: client.ApiClient, namespace: str) -> None:
        self._connection = connection
        self.namespace = namespace

    @classmethod
    def from_kubeconfig(cls, file: Path | None = None, *, context: str | None = None) -> "Access":
        """By a kubeconfig: the given one, KUBECONFIG's, or the home folder's; in a pod by its service account.

        Raises:
            UsageError: there is none, or it has no such context.
        """
        settings = client.Configuration()
        settings.retries = False
        try:
            if file is None and context is None and os.environ.get("KUBERNETES_SERVICE_HOST"):
                config.load_incluster_config(client_configuration=settings)  # type: ignore[no-untyped-call]
                own = Path(config.incluster_config.SERVICE_TOKEN_FILENAME).with_name("namespace")
                return cls(client.ApiClient(settings), own.read_text(encoding="utf-8").strip())
            given = str(file) if file else None
            config.load_kube_config(given, context=context, client_configuration=settings)  # type: ignore[no-untyped-call]
            _, active = config.list_kube_config_contexts(given)  # type: ignore[no-untyped-call]
        except (config.ConfigException, yaml.YAMLError, OSError, AttributeError, TypeError, ValueError) as error:
            raise _unusable(file, error) from error
        return cls(client.ApiClient(settings), active["context"].get("namespace", "default"))

    def get(self, path: str) -> Object:
        """An object, or a list of them.

        Raises:
            MissingError: there is none of this name.
            ForbiddenError, UnreachableError, OpsError: the API server's.
        """
        return self._ask("GET", path)

    def create(self, path: str, body: Object) -> Object:
        """Create an object in the collection `path`.

        Raises:
            ConflictError: there is one of this name.
            ForbiddenError, UnreachableError, OpsError: the API server's.
        """
        return self._ask("POST", path, body)

    def replace(self, path: str, body: Object) -> Object:
        """Replace an object whose resource version `body` names.

        Raises:
            ConflictError: it has another one by now.
            MissingError, ForbiddenError, UnreachableError, OpsError: the API server's.
        """
        return self._ask("PUT", path, body)

    def patch(self, path: str, operations: Sequence[Object], *, version: str, rehearse: bool = False) -> Object:
        """Change parts of an object (RFC 6902) that still has this resource version; the object afterwards.

        rehearse: do all but storing it

        Raises:
            ConflictError: it has another one by now.
            MissingError, ForbiddenError, UnreachableError, OpsError: the API server's.
        """
        guard = {"op": "replace", "path": "/metadata/resourceVersion", "value": version}
        return self._ask("PATCH", path, [guard, *operations], rehearse=rehearse)

    def _ask(self, method: str, path: str, body: object = None, *, rehearse: bool = False) -> Object:
        query = [] if method == "GET" else [("fieldManager", MANAGER), *([("dryRun", "All")] if rehearse else [])]
        asked = self._connection.param_serialize(
            method,
            path,
            query_params=query,
            header_params={"Accept": _JSON, "Content-Type": _JSON_PATCH if method == "PATCH" else _JSON},
            body=body,
            auth_settings=["BearerToken"],
        )
        settings = self._connection.configuration
        try:
            answer = self._connection.call_api(*asked, _request_timeout=_TIMEOUT_S)
            content = answer.read()  # type: ignore[no-untyped-call]
        except (urllib3.exceptions.HTTPError, OSError, client.ApiException) as error:
            raise UnreachableError(
                f"the cluster does not answer at {settings.host}: {reason(error)}; see kubectl get --raw /readyz"
            ) from error
        if not 200 <= answer.status < 300:
            raise _error(answer.status, f"{method} {path}", content)
        found: Object = json.loads(content)
        return found


def _unusable(file: Path | None, error: Exception) -> OpsError:
    """What to do about a kubeconfig that is not there, or that names no cluster."""
    named = str(file) if file else os.environ.get("KUBECONFIG") or config.KUBE_CONFIG_DEFAULT_LOCATION
    places = [Path(place).expanduser() for place in named.split(os.pathsep)]
    if not any(place.exists() for place in places):
        return MissingError(f"there is no kubeconfig {named}; name one with --kubeconfig, or set KUBECONFIG")
    if isinstance(error, yaml.YAMLError | AttributeError | TypeError | ValueError):
        return UsageError(f"{named} is not a kubeconfig: it cannot be read as one; name another with --kubeconfig")
    words = (
        reason(error)
        .removeprefix("Invalid kube-config file. ")
        .removeprefix("Invalid kube-config. ")
        .replace(f" in {named}", " in it")
    )
    return UsageError(f"{named} names no cluster: {words}; name another with --kubeconfig, or a context with --context")


_KINDS: Final[Mapping[int, type[OpsError]]] = {
    401: ForbiddenError,
    403: ForbiddenError,
    404: MissingError,
    409: ConflictError,
    429: UnreachableError,
}


def _error(status: int, what: str, content: bytes) -> OpsError:
    try:
        said = json.loads(content).get("message", "")
    except (ValueError, AttributeError):
        said = content[:200].decode("utf-8", "replace")
    kind = _KINDS.get(status, UnreachableError if status >= 500 else OpsError)
    return kind(f"the cluster answers {status} to {what}: {said or 'nothing more'}")
