"""The clock wakes close to the moment it was asked for."""

import asyncio
import time

import numpy as np

from loadtests.arrivals.wake_up import WakeUp

MOMENTS = 200


async def lags_s(*, timers_of_the_loop: bool) -> list[float]:
    lags: list[float] = []
    with WakeUp() as wake_up:
        if timers_of_the_loop:
            wake_up._descriptor, descriptor = -1, wake_up._descriptor
        for _ in range(MOMENTS):
            moment_s = time.monotonic() + 0.00123
            await wake_up.at(moment_s)
            lags.append(time.monotonic() - moment_s)
        if timers_of_the_loop:
            wake_up._descriptor = descriptor
    return lags


def test_it_wakes_to_a_fraction_of_a_millisecond_where_the_loop_does_not() -> None:
    median_s = float(np.median(asyncio.run(lags_s(timers_of_the_loop=False))))
    by_timers_s = float(np.median(asyncio.run(lags_s(timers_of_the_loop=True))))
    print(f"median lag {median_s * 1e6:.0f} us; by the loop's timers {by_timers_s * 1e6:.0f} us")
    assert 0 <= median_s < 0.0004
    assert median_s < by_timers_s


def test_a_moment_that_is_past_is_not_waited_for() -> None:
    async def wait() -> float:
        began = time.monotonic()
        with WakeUp() as wake_up:
            await wake_up.at(began - 1)
            await wake_up.at(began)
        return time.monotonic() - began

    assert asyncio.run(wait()) < 0.1
