"""Envoy's own administration, over the socket that only its user can open."""

import http.client
import json
import socket
from pathlib import Path

from triptych_ops.errors import OpsError, reason

_TIMEOUT_S = 2.0  # it answers from memory


class Administration:
    """Asks a running Envoy. Each call is a connection of its own."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def ready(self) -> bool:
        """Whether it listens on all of its ports."""
        try:
            return self._ask("GET", "/ready") == b"LIVE\n"
        except OpsError:
            return False

    def answers(self) -> bool:
        """Whether it answers at all, ready or not."""
        try:
            self._ask("GET", "/ready")
        except OpsError:
            return False
        return True

    def take_no_more(self) -> None:
        """Close the ports, and every connection after the answer that is under way.

        Raises:
            OpsError: it does not answer.
        """
        self._ask("POST", "/healthcheck/fail")  # from now on an answer says that its connection closes
        self._ask("POST", "/drain_listeners")

    def under_way(self) -> int:
        """How many requests have no whole answer yet.

        Raises:
            OpsError: it does not answer.
        """
        return sum(self.statistics(r"^http\.(http|grpc)\.downstream_rq_active$").values())

    def statistics(self, names: str) -> dict[str, int]:
        """The counters and gauges whose names match the regular expression.

        Raises:
            OpsError: it does not answer.
        """
        answer = json.loads(self._ask("GET", f"/stats?format=json&filter={names}"))
        return {entry["name"]: entry["value"] for entry in answer["stats"] if "value" in entry}

    def _ask(self, method: str, path: str) -> bytes:
        connection = _UnixConnection("envoy", timeout=_TIMEOUT_S)
        try:
            connection.connect_to(self._path)
            connection.request(method, path)
            answer = connection.getresponse()
            content = answer.read()
        except (OSError, http.client.HTTPException) as error:
            raise OpsError(f"envoy does not answer at {self._path}: {reason(error)}") from error
        finally:
            connection.close()
        if answer.status != 200 and path != "/ready":
            raise OpsError(f"envoy refuses {path}: {content.decode(errors='replace').strip()}")
        return content


class _UnixConnection(http.client.HTTPConnection):
    def connect_to(self, path: Path) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(path))
