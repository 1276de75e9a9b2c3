"""Health as an inference, asked for once however many want to know."""

import asyncio
import time
from collections.abc import Callable
from typing import Any

from triptych import AsyncClient, Health

from .limits import Limits
from .problems import UNHEALTHY, Problem, without_addresses


class Verdicts:
    """Whether the server answers rightly; a verdict holds for a moment, and one check at most is under way.

    report: is told when the verdict changes
    clock:  seconds, monotonic
    """

    def __init__(
        self,
        client: AsyncClient,
        limits: Limits,
        *,
        report: Callable[[str], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._client = client
        self._limits = limits
        self._report = report
        self._clock = clock
        self._check: asyncio.Task[Health] | None = None
        self._last: Health | None = None
        self._last_at = 0.0

    async def current(self) -> Health:
        """The verdict, not older than `Limits.health_fresh_s`."""
        if self._last is not None and self._clock() - self._last_at < self._limits.health_fresh_s:
            return self._last
        if self._check is None:
            self._check = asyncio.create_task(self._checked())
        return await asyncio.shield(self._check)  # a caller that leaves does not take it from the others

    async def _checked(self) -> Health:
        try:
            health = await self._client.health(timeout_s=self._limits.health_timeout_s)
        finally:
            self._check = None
        if health.ok != (self._last is None or self._last.ok):
            self._report(f"healthy again: {health.reason}" if health.ok else f"unhealthy: {health.reason}")
        self._last, self._last_at = health, self._clock()
        return health


def document(health: Health) -> dict[str, Any]:
    """A good verdict."""
    return {"ok": health.ok, "reason": without_addresses(health.reason), **_more(health)}


def problem(health: Health) -> Problem:
    """A bad one."""
    return Problem(kind=UNHEALTHY, detail=without_addresses(health.reason), more={"ok": health.ok, **_more(health)})


def _more(health: Health) -> dict[str, Any]:
    return {"release": health.release, "known": health.known, "elapsed_s": round(health.elapsed_s, 6)}
