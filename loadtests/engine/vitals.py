"""How a generator process is doing: looked at once a second."""

import asyncio
import time
from collections.abc import Callable
from typing import Final

import psutil

from loadtests.records.pulse import Pulse

from .sending import Sender

PERIOD_S: Final = 1.0
_PROBE_S: Final = 0.05  # twenty of them make a second's average


class Vitals:
    """Makes a pulse of what happened since the last one."""

    def __init__(self, sender: Sender) -> None:
        self._sender = sender
        self._lags_s: list[float] = []
        self._cpu_s, self._at_s = time.process_time(), time.monotonic()
        self._sent, self._dropped = sender.sent, sender.dropped
        psutil.cpu_percent()  # the first call only begins to measure

    async def probe(self) -> None:
        """See, again and again, how late this event loop is; until cancelled."""
        while True:
            due_s = time.monotonic() + _PROBE_S
            await asyncio.sleep(_PROBE_S)
            self._lags_s.append(max(0.0, time.monotonic() - due_s))

    def pulse(self) -> Pulse:
        """How it was since the last pulse."""
        cpu_s, at_s, sender = time.process_time(), time.monotonic(), self._sender
        elapsed_s = max(1e-6, at_s - self._at_s)
        made = Pulse(
            at_s=sender.clock(),
            cpu_share=(cpu_s - self._cpu_s) / elapsed_s,
            machine_share=psutil.cpu_percent() / 100,
            lag_s=sum(self._lags_s) / max(1, len(self._lags_s)),
            in_flight=sender.in_flight,
            sent=sender.sent - self._sent,
            dropped=sender.dropped - self._dropped,
        )
        self._cpu_s, self._at_s, self._lags_s = cpu_s, at_s, []
        self._sent, self._dropped = sender.sent, sender.dropped
        return made


async def every_second(look: Callable[[], None]) -> None:
    """Call it each second, until cancelled."""
    while True:
        await asyncio.sleep(PERIOD_S)
        look()
