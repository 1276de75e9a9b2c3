"""One request's trace, from the SDK through the edge to Triton's members, as a collector of OpenTelemetry gets it."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, ALWAYS_ON, Sampler

from commands import Serving
from otlp import Receiver, Span, receiver, way
from triptych import Client, contract, health
from triptych.otel import OtelObserver
from triptych_ops.runtime import Ports

SENT_S = 20
"""Envoy and Triton send every five seconds."""
WAY = ["shop", "shop", "triptych-edge", "triton-inference-server", "triton-inference-server", "triton-inference-server"]
"""A call and its attempt, the edge, Triton's request, its ensemble, a member."""


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
    for url in urls.values():
        with Client(url) as untraced, Client(url, observers=[observer(collector, ALWAYS_OFF)]) as unsampled:
            untraced.classify(health.image())
            unsampled.classify(health.image())
        with Client(url, observers=[observer(collector)]) as sampled:
            sampled.classify(health.image())
    spans = collector.until(lambda spans: computed(spans) and len(edges(spans)) >= len(urls), within_s=SENT_S)
    traces = {span.trace for span in spans if span.service == WAY[0]}
    assert (len(traces), collector.refused) == (len(urls), [])
    for trace in traces:
        found = [span for span in spans if span.trace == trace]
        assert {member: way(member, found) for member in contract.MEMBERS} == dict.fromkeys(contract.MEMBERS, WAY)
    assert {span.trace for span in spans} == traces, "what a caller does not sample nobody does"
    print(f"traces: {len(spans)} spans of {len(traces)} requests, from the SDK through the edge to each member")


def computed(spans: list[Span]) -> bool:
    """Whether Triton has sent what it did for both requests."""
    return sum(span.name == "InferRequest" for span in spans) == len(("grpc", "http"))


def edges(spans: list[Span]) -> list[Span]:
    return [span for span in spans if span.service == "triptych-edge"]
