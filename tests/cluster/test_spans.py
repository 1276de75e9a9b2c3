"""One request's trace on a cluster: from the SDK through Gateway and edge to Triton's members, in a real collector."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor

from cluster.asking import GATEWAY_URLS
from cluster.charts import Charted
from cluster.cluster import is_own
from cluster.layout import Layout
from cluster.spans import Collector, collector
from cluster.tools import fetch_collector
from otlp import WAY, Span, way
from triptych import Client, contract, health
from triptych.otel import OtelObserver

pytestmark = pytest.mark.skipif(not is_own(), reason="needs a node of our own")

SENT_S = 20


@pytest.fixture
def collected(chart: Charted, layout: Layout, tmp_path: Path) -> Iterator[Collector]:
    """A collector that the chart's pods send their spans to."""
    with collector(fetch_collector(layout.cache, say=print), tmp_path) as started:
        chart.install({"tracing": {"otlpEndpoint": started.url}})
        yield started
        chart.install()


def test_one_trace_from_the_sdk_through_the_gateway_to_the_members(collected: Collector) -> None:
    provider = TracerProvider(resource=Resource({"service.name": "shop"}))
    provider.add_span_processor(SimpleSpanProcessor(OTLPSpanExporter(f"{collected.url}/v1/traces")))
    for url in GATEWAY_URLS.values():
        with Client(url) as untraced, Client(url, observers=[OtelObserver(provider)]) as client:
            untraced.classify(health.image())
            client.classify(health.image())
    wanted = {"shop", "triptych-edge", "triton-inference-server"}
    spans = collected.until(
        lambda spans: (
            sum({span.service for span in spans if span.trace == trace} == wanted for trace in traces(spans))
            == len(GATEWAY_URLS)
        ),
        within_s=SENT_S,
    )
    assert len(traces(spans)) == len(GATEWAY_URLS)
    for trace in traces(spans):
        found = [span for span in spans if span.trace == trace]
        assert {member: way(member, found) for member in contract.MEMBERS} == dict.fromkeys(contract.MEMBERS, WAY)
    print(f"traces: {len(spans)} spans of {len(GATEWAY_URLS)} requests through the Gateway in a real collector")


def traces(spans: list[Span]) -> set[str]:
    return {span.trace for span in spans}
