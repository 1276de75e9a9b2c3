"""Names -> addresses, never for longer than the caller has, and again now and then."""

import encodings.idna  # noqa: F401  else getaddrinfo imports it; a fork in that moment would leave its lock held for ever
import queue
import socket
import threading
from collections.abc import Callable, Sequence
from typing import TypeAlias

from ..endpoint import Endpoint

Lookup: TypeAlias = Callable[[str, int], Sequence[tuple[str, int]]]
"""(host, port) -> (address, port) of each of its servers. Raises: OSError."""

LEAST_S = 1.0  # between two look-ups of one name, however much fails


def lookup(host: str, port: int) -> list[tuple[str, int]]:
    """Ask the system."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys((str(address[0]), int(address[1])) for *_, address in found))


def lookup_within(host: str, port: int, *, timeout_s: float) -> list[tuple[str, int]]:
    """Ask the system, which knows no deadline, and give up after `timeout_s`.

    Raises:
        OSError: the name cannot be resolved.
        TimeoutError: not in time.
    """
    if _is_address(host):
        return [(host, port)]
    found: queue.SimpleQueue[list[tuple[str, int]] | OSError] = queue.SimpleQueue()

    def ask() -> None:
        try:
            found.put(lookup(host, port))
        except (OSError, UnicodeError) as error:  # UnicodeError: a label that is too long
            found.put(error if isinstance(error, OSError) else socket.gaierror(str(error)))

    threading.Thread(target=ask, daemon=True).start()
    try:
        outcome = found.get(timeout=timeout_s)
    except queue.Empty:
        raise TimeoutError(f"{host} was not resolved in time") from None
    if isinstance(outcome, OSError):
        raise outcome
    return outcome


class Names:
    """The servers that a client's URLs stand for; a `dns:///` name for one at each of its addresses.

    changed:   called with all of them when they change, in whatever thread
    refresh_s: between two look-ups where nothing fails
    start:     runs a look-up, which may take long, somewhere else
    """

    def __init__(
        self,
        endpoints: Sequence[Endpoint],
        changed: Callable[[Sequence[Endpoint]], None],
        *,
        refresh_s: float,
        lookup: Lookup = lookup,
        start: Callable[[Callable[[], None]], None] | None = None,
    ) -> None:
        self._changed = changed
        self._refresh_s = refresh_s
        self._lookup = lookup
        self._start = start or _in_a_thread
        self._servers: dict[Endpoint, list[Endpoint]] = {
            endpoint: [] if endpoint.resolved else [endpoint] for endpoint in endpoints
        }
        self._running = False
        self._asked_at: float | None = None
        self.error: OSError | None = None
        self.dynamic = any(endpoint.resolved for endpoint in endpoints)

    def refresh(self, now: float, *, failed: bool = False) -> None:
        """Look the names up again where it is time, or a server failed; returns at once. One thread at a time."""
        if not self.dynamic or self._running:
            return
        least_s = LEAST_S if failed or self.error else self._refresh_s
        if self._asked_at is None or now - self._asked_at >= least_s:
            self._running, self._asked_at, self.error = True, now, None
            self._start(self._resolve)

    def _resolve(self) -> None:
        error: OSError | None = None
        for endpoint in self._servers:
            if not endpoint.resolved:
                continue
            try:
                found = [endpoint.at(address) for address, _ in self._lookup(endpoint.host, endpoint.port)]
            except (OSError, UnicodeError) as failure:  # what was known stays
                error = failure if isinstance(failure, OSError) else socket.gaierror(str(failure))
            else:
                self._servers[endpoint] = found
        self.error = error
        self._changed([server for servers in self._servers.values() for server in servers])
        self._running = False


def _in_a_thread(work: Callable[[], None]) -> None:
    threading.Thread(target=work, daemon=True).start()


def _is_address(host: str) -> bool:
    try:
        socket.getaddrinfo(host, None, flags=socket.AI_NUMERICHOST)
    except (OSError, UnicodeError):
        return False
    return True
