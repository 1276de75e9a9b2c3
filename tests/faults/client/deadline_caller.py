"""Calls servers from a process of its own, each call with another deadline: `deadline_caller.py HOW CALLS URL…`."""

import asyncio
import json
import sys
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace
from random import Random

from faults.client.asking import Outcome, in_tasks, in_threads
from triptych import AsyncClient, Client, Hedging, Resilience
from triptych.endpoint import Endpoint
from triptych.transports.grpc_transport import GrpcTransport
from triptych.transports.http_transport import HttpTransport
from triptych.transports.transport import InferRequest, InferResponse, Transport

AT_ONCE = 6
ONE_BY_ONE = replace(Resilience(), breaker=None)  # every call is to meet the faults
POLICIES: Mapping[str, Resilience] = {
    "one by one": ONE_BY_ONE,
    "hedged": replace(ONE_BY_ONE, hedging=Hedging(after_s=0.05)),
    "patient": ONE_BY_ONE,
}


class Patient:
    """A transport that takes no notice of what is left of a call's time."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._transport: Transport = GrpcTransport(endpoint) if endpoint.is_grpc else HttpTransport(endpoint)
        self.parameters = self._transport.parameters
        self.close = self._transport.close

    def infer(self, request: InferRequest) -> InferResponse:
        return self._transport.infer(replace(request, timeout_s=5.0))


def deadlines_s(seed: int, count: int) -> list[float]:
    draw = Random(seed)  # noqa: S311
    return [draw.uniform(0.03, 0.5) for _ in range(count)]


def synchronously(how: str, count: int, urls: list[str]) -> list[Outcome]:
    connect: Callable[[Endpoint], Transport] | None = Patient if how == "patient" else None
    with Client(urls, resilience=POLICIES[how], connect=connect) as client:
        return in_threads(client, deadlines_s(1, count), threads=AT_ONCE)


async def asynchronously(how: str, count: int, urls: list[str]) -> list[Outcome]:
    async with AsyncClient(urls, resilience=POLICIES[how]) as client:
        return await in_tasks(client, deadlines_s(2, count), tasks=AT_ONCE)


def main(how: str, count: int, urls: list[str]) -> None:
    outcomes = synchronously(how, count, urls)
    if how != "patient":
        outcomes += asyncio.run(asynchronously(how, count, urls))
    ends = Counter(type(each.error).__name__ if each.error else "answered" for each in outcomes)
    print(json.dumps({"ends": ends, "late_s": sorted(each.late_s for each in outcomes)[-5:]}))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), sys.argv[3:])
