"""One request's trace, from the SDK through the edge to Triton's members, as a collector of OpenTelemetry gets it."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, ALWAYS_ON, Sampler

from commands import Serving
from otlp import WAY, Receiver, Span, receiver, way
from triptych import Client, contract, health
from triptych.otel import OtelObserver
from triptych_ops.runtime import Ports

SENT_S = 15
"""Envoy and Triton send every five seconds."""
TRIES = 3


@pytest.fixture
def collector() -> Iterator[Receiver]:
    with receiver() as received:
        yield received


@pytest.fixture
def urls(store: Path, collector: Receiver, tmp_path: Path) -> Iterator[dict[str, str]]:
    """Of an edge before a Triton; both know the collector."""
    edge = Ports.free()
    ports = ("--edge", "--edge-http-port", edge.http, "--edge-grpc-port", edge.grpc)
    with Serving(store, tmp_path, *ports, "--otlp-endpoint", collector.url):
        yield {"grpc": edge.grpc_url, "http": edge.http_url}


def observer(collector: Receiver, sampler: Sampler = ALWAYS_ON) -> OtelObserver:
    provider = TracerProvider(sampler, Resource({"service.name": "shop"}))
    provider.add_span_processor(SimpleSpanProcessor(OTLPSpanExporter(f"{collector.url}/v1/traces")))
    return OtelObserver(provider)


def test_one_trace_from_the_sdk_through_the_edge_to_the_members(urls: dict[str, str], collector: Receiver) -> None:
    whole = [traced(url, collector) for url in urls.values()]
    for trace in whole:
        found = [span for span in collector.spans if span.trace == trace]
        assert {member: way(member, found) for member in contract.MEMBERS} == dict.fromkeys(contract.MEMBERS, WAY)
    sampled = {span.trace for span in collector.spans if span.service == WAY[0]}
    assert {span.trace for span in collector.spans} == sampled, "what a caller does not sample nobody does"
    assert collector.refused == []
    print(f"traces: {len(whole)} requests of {len(sampled)} are whole, from the SDK through the edge to each member")


def traced(url: str, collector: Receiver) -> str:
    """Ask until a request is traced whole, beside some that are not to be; its trace. Triton may lose its spans."""
    for _ in range(TRIES):
        with Client(url) as untraced, Client(url, observers=[observer(collector, ALWAYS_OFF)]) as unsampled:
            untraced.classify(health.image())
            unsampled.classify(health.image())
        before = {span.trace for span in collector.spans}
        with Client(url, observers=[observer(collector)]) as sampled:
            sampled.classify(health.image())
        [trace] = {span.trace for span in collector.spans if span.service == WAY[0]} - before
        if is_whole(collector.until(partial(is_whole, trace=trace), within_s=SENT_S), trace=trace):
            return trace
    raise AssertionError(f"none of {TRIES} requests at {url} is traced whole: {collector.spans}")


def is_whole(spans: list[Span], *, trace: str) -> bool:
    """Whether each member has sent what it did, and so has all on the way there."""
    found = [span for span in spans if span.trace == trace]
    numbers = {span.number for span in found}
    return {*contract.MEMBERS} <= {span.name for span in found} and all(
        span.parent in numbers for span in found if span.parent
    )
