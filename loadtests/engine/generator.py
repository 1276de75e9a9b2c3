"""One process's share of a profile: its stages, one after the other, on one event loop."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from loadtests.arrivals import intended_times_s
from loadtests.arrivals.wake_up import WakeUp
from loadtests.pictures import Mix
from loadtests.profiles import Arrivals, Loop, Profile, Stage
from loadtests.records.pulse import Pulse
from loadtests.records.sample import Sample
from loadtests.users.asking import Asker

from .sending import Sender
from .vitals import Vitals, every_second

HOPELESS_S: Final = 10.0
"""After so long without a single good answer a run ends."""

_AT_ONCE: Final = 32  # sent before answers are looked at, when the generator is behind
_PICTURES, _STAGES = 1, 2  # what a seed is for


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """Which of how many generator processes this is."""

    process: int = 0
    processes: int = 1

    def of(self, count: int) -> int:
        """Its part of a number of users."""
        return count // self.processes + (self.process < count % self.processes)


class Generator:
    """Sends what a profile says.

    report: is given what happened since the last time, every second and at the end
    """

    def __init__(
        self,
        profile: Profile,
        asker: Asker,
        mix: Mix,
        *,
        protocol: str,
        seed: int,
        report: Callable[[list[Sample], Pulse, int], None],
        share: Share = Share(),
    ) -> None:
        self._profile = profile
        self._seed = seed
        self._share = share
        self._report = report
        self._begins_at = 0.0
        pictures = mix.drawn((seed, _PICTURES, share.process))
        self._sender = Sender(asker, pictures, protocol=protocol, clock=lambda: time.monotonic() - self._begins_at)
        self._wake_up = WakeUp()
        self._is_stopped = False
        self.hopeless = False

    def stop(self) -> None:
        """Send nothing more; what is under way is waited for."""
        self._is_stopped = True
        self._wake_up.now()

    async def run(self, begins_at: float) -> None:
        """Run all stages from that moment of `time.monotonic` on, to the last answer."""
        self._begins_at = begins_at
        self._vitals = Vitals(self._sender)
        watching = [asyncio.create_task(each) for each in (every_second(self._look), self._vitals.probe())]
        try:
            with self._wake_up:
                starts_s = 0.0
                for index, stage in enumerate(self._profile.stages):
                    await self._stage(index, stage, starts_s)
                    starts_s += stage.seconds
            await self._sender.finish()
        finally:
            for each in watching:
                each.cancel()
            await asyncio.wait(watching)
            self._hand_over()

    def _look(self) -> None:
        self._hand_over()
        sender = self._sender
        if not sender.good and sender.sent and sender.clock() > HOPELESS_S:
            self.hopeless = True
            self.stop()

    def _hand_over(self) -> None:
        self._report(self._sender.take_samples(), self._vitals.pulse(), self._sender.good)

    async def _stage(self, index: int, stage: Stage, starts_s: float) -> None:
        if isinstance(stage.load, Arrivals):
            await self._open(index, stage, stage.load, starts_s)
        else:
            await self._closed(index, stage, stage.load, starts_s)

    async def _open(self, index: int, stage: Stage, arrivals: Arrivals, starts_s: float) -> None:
        times_s = intended_times_s(
            arrivals,
            seconds=stage.seconds,
            seed=(self._seed, _STAGES, index),
            process=self._share.process,
            processes=self._share.processes,
        )
        sender, most = self._sender, max(1, self._share.of(self._profile.most_under_way))
        at_once = 0
        for intended_s in (times_s + starts_s).tolist():
            if sender.clock() < intended_s:
                await self._until(intended_s)
                at_once = 0
            elif at_once >= _AT_ONCE:
                await asyncio.sleep(0)
                at_once = 0
            if self._is_stopped:
                return
            at_once += 1
            sender.begin(stage, intended_s, most_under_way=most)
        await self._until(starts_s + stage.seconds)

    async def _closed(self, index: int, stage: Stage, loop: Loop, starts_s: float) -> None:
        await self._until(starts_s)
        ends_s = starts_s + stage.seconds

        async def ask_again_and_again() -> None:
            while self._sender.clock() < ends_s and not self._is_stopped:
                await self._sender.send(stage)

        users = [self._sender.keep(ask_again_and_again()) for _ in range(self._share.of(loop.users))]
        await self._until(ends_s)
        following = self._profile.stages[index + 1 : index + 2]
        if users and not (following and isinstance(following[0].load, Arrivals)):  # those come when they are due
            await asyncio.wait(users)

    async def _until(self, moment_s: float) -> None:
        """Wait for a moment of the run, or until it is stopped."""
        while not self._is_stopped and self._sender.clock() < moment_s:
            await self._wake_up.at(self._begins_at + moment_s)
