"""One process drives a rollout: a Lease, as Kubernetes' own controllers hold one.

The holder renews it. Others take it once they saw it unrenewed for its whole duration by their own clock, so that no
clocks are compared. A holder that could not renew it stops before that: every process is sure of what it may do.

    |-- renewed ----------|-- RENEW_S --|-- renewed ...
                          |-- SURE_S: the holder stops here, if it could not renew
                          |-- DURATION_S: others take it here
"""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final, Protocol

from .errors import ConflictError, LostLeaseError, UnreachableError

DURATION_S: Final = 8.0
SURE_S: Final = 5.0
RENEW_S: Final = 1.5
_LOOK_S: Final = 0.25


@dataclass(frozen=True, slots=True)
class Held:
    """What a Lease says. `version` is its resource version, None where there is no Lease yet."""

    holder: str | None
    version: str | None


class Leases(Protocol):
    """Where the Lease lies."""

    def read(self) -> Held:
        """What it says now.

        Raises:
            UnreachableError: the cluster does not answer.
        """
        ...

    def write(self, holder: str | None, *, over: Held) -> Held:
        """Name a holder, or none, where it still is what `over` says.

        Raises:
            ConflictError: it is not.
            UnreachableError: the cluster does not answer.
        """
        ...


class Lease:
    """Drives, or waits to.

    me:    unlike any other process's
    clock: seconds, monotonic
    """

    def __init__(
        self,
        leases: Leases,
        me: str,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._leases = leases
        self._me = me
        self._clock = clock
        self._sleep = sleep
        self._held: Held | None = None
        self._renewed = 0.0
        self._lock = threading.RLock()  # around the asking, too: two renewals at once would conflict

    @property
    def sure(self) -> bool:
        """Whether no other process can hold it now.

        Raises:
            UnreachableError: it ran out, and the cluster does not answer.
        """
        with self._lock:
            if self._held is None:
                return False
            if self._clock() - self._renewed < SURE_S:
                return True
            try:
                self.renew()
            except LostLeaseError:
                return False
            return True

    def take(self, *, within_s: float) -> None:
        """Hold it: at once where nobody does, else once its holder has not renewed it for `DURATION_S`.

        Raises:
            LostLeaseError: another process renews it, or this time is over.
            UnreachableError: the cluster does not answer.
        """
        began = since = self._clock()
        seen: Held | None = None
        while True:
            found = self._leases.read()
            is_renewed = seen is not None and found.holder == seen.holder and found != seen
            if seen != found:
                seen, since = found, self._clock()
            if found.holder in (None, self._me) or self._clock() - since >= DURATION_S:
                try:
                    with self._lock:
                        return self._write(found)
                except ConflictError:
                    continue  # somebody was quicker
            if is_renewed or self._clock() - began >= within_s:
                raise LostLeaseError(
                    f"{found.holder} drives this rollout; see it with triptych rollout status, or wait for its end"
                )
            self._sleep(_LOOK_S)

    def renew(self) -> None:
        """Say that this process lives.

        Raises:
            LostLeaseError: another process holds it.
            UnreachableError: the cluster does not answer.
        """
        with self._lock:
            if self._held is None:
                raise LostLeaseError("this process does not drive the rollout; run the command again")
            try:
                self._write(self._held)
            except ConflictError as error:
                found = self._leases.read()
                if found.holder != self._me:
                    self._held = None
                    raise LostLeaseError(
                        f"{found.holder} drives this rollout now; see triptych rollout status"
                    ) from error
                self._held = found  # the answer to an earlier renewal was lost
                self._write(found)

    def leave(self) -> None:
        """Let others take it at once; nothing where another process has it."""
        with self._lock:
            held, self._held = self._held, None
        if held is not None:
            try:
                self._leases.write(None, over=held)
            except (ConflictError, UnreachableError):
                return  # it runs out

    @contextmanager
    def kept(self) -> Iterator[None]:
        """Renew it beside other work until this is left, then leave it."""
        done = threading.Event()

        def renewing() -> None:
            while not done.wait(RENEW_S):
                try:
                    self.renew()
                except (ConflictError, UnreachableError):
                    continue
                except LostLeaseError:
                    return

        thread = threading.Thread(target=renewing, name="lease", daemon=True)
        thread.start()
        try:
            yield
        finally:
            done.set()
            thread.join()
            self.leave()

    def _write(self, over: Held) -> None:
        before = self._clock()  # of the asking, not of the answer: others see it later than that
        written = self._leases.write(self._me, over=over)
        self._held, self._renewed = written, before
