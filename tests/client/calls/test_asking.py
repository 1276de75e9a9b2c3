"""The time of a call: what reading the images takes is part of it."""

import asyncio
import io
import time

import pytest

from triptych import AsyncClient, Client, DeadlineExceededError, UnavailableError
from triptych.testing import FakeServer

from ..clock import Clock
from ..fake_transport import FakeTransport


class SlowFile(io.BytesIO):
    """Takes a while to read."""

    def __init__(self, clock: Clock, seconds: float) -> None:
        super().__init__(b"cat. encoded")
        self._clock = clock
        self._seconds = seconds

    def read(self, size: int | None = -1, /) -> bytes:
        self._clock.sleep(self._seconds)
        return super().read(size)


def test_what_reading_takes_is_no_longer_there_for_the_server(
    client: Client, transport: FakeTransport, clock: Clock
) -> None:
    result = client.classify(SlowFile(clock, 1.5))
    assert transport.requests[0].timeout_s == pytest.approx(2.5)
    assert (result.read_s, result.elapsed_s, result.attempt_s) == (1.5, 0.0, 0.0)


def test_nothing_is_sent_where_reading_takes_all_the_time(
    client: Client, transport: FakeTransport, clock: Clock
) -> None:
    with pytest.raises(DeadlineExceededError, match="reading the images took longer than the 4 s of the call"):
        client.classify(SlowFile(clock, 4.0))
    assert transport.requests == []


def test_each_request_of_many_images_has_its_own_time(client: Client, transport: FakeTransport, clock: Clock) -> None:
    list(client.classify_many([SlowFile(clock, 3.0) for _ in range(3)], batch_size=1, concurrency=1))
    assert [request.timeout_s for request in transport.requests] == pytest.approx([1.0] * 3)


def test_the_time_of_a_result_is_told_apart(transport: FakeTransport, clock: Clock) -> None:
    """A second of reading; an attempt that fails; a pause; and one that is answered at once."""
    transport.failures = [UnavailableError("gone")]
    with Client(
        timeout_s=10.0, connect=lambda _: transport, clock=clock.now, sleep=clock.sleep, random=lambda: 0.8
    ) as client:
        result = client.classify(SlowFile(clock, 1.0))
    assert (result.read_s, result.attempts, result.attempt_s) == (1.0, 2, 0.0)
    assert result.elapsed_s == pytest.approx(0.8 * 0.05)


def test_the_event_loop_does_not_wait_for_a_file() -> None:
    class Blocking(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            time.sleep(0.1)
            return super().read(size)

    async def main() -> int:
        turns = 0
        async with AsyncClient(server.http_url) as client:
            await client.classify(b"first")
            call = asyncio.create_task(client.classify(Blocking(b"cat.")))
            while not call.done():
                turns += 1
                await asyncio.sleep(0.005)
            await call
        return turns

    with FakeServer() as server:
        assert asyncio.run(main()) >= 5
