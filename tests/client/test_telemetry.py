"""What observers are told: traces and metrics of both clients over both protocols."""

import asyncio
import logging
import re
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from prometheus_client import CollectorRegistry, generate_latest

from callers import PROTOCOLS, Caller
from triptych import (
    AsyncClient,
    Client,
    ImageError,
    OverloadedError,
    Resilience,
    Retry,
    ServerError,
    UnavailableError,
    errors,
)
from triptych.config import Breaker, Ejection, Hedging
from triptych.observing import Call, Observer, WatchedCall
from triptych.otel import OtelObserver
from triptych.prometheus import PrometheusObserver
from triptych.resilience.calling import Standing
from triptych.resilience.course import Attempt
from triptych.testing import Failure, FakeServer

QUICK = Resilience(retry=Retry(base_s=0.001, cap_s=0.002), back_off=None)


@pytest.fixture
def exporter() -> InMemorySpanExporter:
    return InMemorySpanExporter()


@pytest.fixture
def provider(exporter: InMemorySpanExporter) -> TracerProvider:
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    return provider


@pytest.fixture
def registry() -> CollectorRegistry:
    return CollectorRegistry()


def once_unavailable(request: int) -> Failure | None:
    return Failure("UNAVAILABLE", 503) if request == 1 else None


def identity(span: ReadableSpan) -> tuple[str, str]:
    """Trace and span, as `traceparent` has them."""
    assert span.context is not None
    return f"{span.context.trace_id:032x}", f"{span.context.span_id:016x}"


def parent(span: ReadableSpan) -> str | None:
    return f"{span.parent.span_id:016x}" if span.parent else None


def test_a_call_is_a_span_with_one_for_each_attempt(
    caller: Caller, protocol: str, provider: TracerProvider, exporter: InMemorySpanExporter
) -> None:
    settings: dict[str, Any] = {"resilience": QUICK, "observers": [OtelObserver(provider)]}
    with FakeServer(failure=once_unavailable) as server, caller(PROTOCOLS[protocol](server), **settings) as classify:
        with trace.get_tracer("test", tracer_provider=provider).start_as_current_span("caller") as outer:
            result = classify(b"image")
        sent = [headers["traceparent"].split("-")[1:3] for headers in server.headers]
        port = int(PROTOCOLS[protocol](server).rpartition(":")[2])
    first, second, call, around = exporter.get_finished_spans()
    assert around.name == outer.name == "caller"  # type: ignore[attr-defined]
    assert (call.name, parent(call)) == ("triptych.classify", identity(around)[1])
    assert {parent(first), parent(second)} == {identity(call)[1]}
    assert [tuple(each) for each in sent] == [identity(first), identity(second)]
    assert call.attributes is not None
    assert call.attributes["triptych.attempts"] == 2
    assert second.attributes is not None
    sent_as = str(call.attributes["triptych.request_id"]) + "-2"
    assert second.attributes["triptych.request_id"] == result.request_id == sent_as
    assert (call.attributes["triptych.inputs.images"], call.attributes["triptych.body_bytes"]) == (1, 5)
    assert (call.status.is_ok, first.status.is_ok, second.status.is_ok) == (True, False, True)
    expected: Mapping[str, tuple[str, Mapping[str, Any], Mapping[str, Any]]] = {
        "grpc": (
            "inference.GRPCInferenceService/ModelInfer",
            {"rpc.system": "grpc", "rpc.method": "ModelInfer", "rpc.grpc.status_code": 14},
            {"rpc.grpc.status_code": 0},
        ),
        "http": (
            "POST",
            {"http.request.method": "POST", "http.response.status_code": 503},
            {"http.response.status_code": 200, "http.request.resend_count": 1},
        ),
    }
    name, of_first, of_second = expected[protocol]
    address = {"server.address": "127.0.0.1", "server.port": port}
    for span, attributes in ((first, {**of_first, **address, "error.type": "unavailable"}), (second, of_second)):
        assert (span.name, span.kind) == (name, trace.SpanKind.CLIENT)
        assert {**(span.attributes or {}), **attributes} == span.attributes
    assert "error.type" not in (second.attributes or {})


def test_where_nobody_answers_no_status_is_told(
    caller: Caller, protocol: str, nobody: str, provider: TracerProvider, exporter: InMemorySpanExporter
) -> None:
    settings: dict[str, Any] = {"resilience": Resilience.off(), "observers": [OtelObserver(provider)]}
    with caller(f"{protocol}://{nobody}", **settings) as classify, pytest.raises(UnavailableError):
        classify(b"image")
    attempt, call = exporter.get_finished_spans()
    for span in (attempt, call):
        assert not span.status.is_ok
        assert (span.attributes or {})["error.type"] == "unavailable"
    assert "http.response.status_code" not in (attempt.attributes or {})


def test_hedges_are_children_of_their_call(provider: TracerProvider, exporter: InMemorySpanExporter) -> None:
    policy = Resilience(hedging=Hedging(after_s=0.01), retry=Retry(attempts=2))
    with (
        FakeServer(answer_s=0.1) as one,
        FakeServer(answer_s=0.1) as other,
        Client([one.grpc_url, other.grpc_url], resilience=policy, observers=[OtelObserver(provider)]) as client,
    ):
        client.classify(b"image")
        while len(exporter.get_finished_spans()) < 3:  # the one that lost ends later
            pass
    spans = exporter.get_finished_spans()
    (call,) = [span for span in spans if span.name == "triptych.classify"]
    assert [parent(span) for span in spans if span is not call] == [identity(call)[1]] * 2


def test_a_cancelled_call_ends_its_spans(provider: TracerProvider, exporter: InMemorySpanExporter) -> None:
    async def leave(server: FakeServer) -> None:
        async with AsyncClient(server.http_url, observers=[OtelObserver(provider)]) as client:
            call = asyncio.ensure_future(client.classify(b"image"))
            while not server.requests:
                await asyncio.sleep(0.001)
            call.cancel()
            with pytest.raises(asyncio.CancelledError):
                await call

    with FakeServer(answer_s=0.2) as server:
        asyncio.run(leave(server))
    spans = exporter.get_finished_spans()
    assert [(span.attributes or {})["error.type"] for span in spans] == ["cancelled", "cancelled"]


def test_calls_are_counted_and_timed(caller: Caller, protocol: str, registry: CollectorRegistry) -> None:
    settings: dict[str, Any] = {
        "resilience": QUICK,
        "observers": [PrometheusObserver("tests", registry=registry)],
    }
    with FakeServer(failure=once_unavailable) as server, caller(PROTOCOLS[protocol](server), **settings) as classify:
        classify(b"first")
        classify(b"second")
        server.fails = Failure("PERMISSION_DENIED", 403)
        with pytest.raises(Exception, match="the server fails as it was told"):
            classify(b"third")

    def value(name: str, **labels: str) -> float | None:
        return registry.get_sample_value(f"triptych_client_{name}", {"client": "tests", **labels})

    assert value("calls_total", operation="classify", outcome="ok") == 2
    assert value("calls_total", operation="classify", outcome="permission_denied") == 1
    assert value("attempts_total", outcome="ok") == 2
    assert value("attempts_total", outcome="unavailable") == 1
    assert value("retries_total") == 1
    assert value("images_total", operation="classify") == 2
    assert value("call_duration_seconds_count", operation="classify") == 3
    assert 0 < (value("call_duration_seconds_sum", operation="classify") or 0) < 5
    assert value("calls_in_flight") == 0
    assert (value("servers"), value("servers_resting"), value("circuit_open")) == (1, 0, 0)


def test_a_call_under_way_is_in_flight(registry: CollectorRegistry, black_hole: str) -> None:
    def in_flight() -> float | None:
        return registry.get_sample_value("triptych_client_calls_in_flight", {"client": "default"})

    async def ask() -> None:
        async with AsyncClient(f"http://{black_hole}", observers=[PrometheusObserver(registry=registry)]) as client:
            calls = [asyncio.ensure_future(client.classify(b"image")) for _ in range(3)]
            while in_flight() != 3:
                await asyncio.sleep(0.001)
            for call in calls:
                call.cancel()
            await asyncio.wait(calls)

    asyncio.run(ask())
    assert in_flight() == 0


def test_an_open_circuit_and_an_ejection_are_seen(registry: CollectorRegistry, nobody: str) -> None:
    def value(client: str, name: str) -> float | None:
        return registry.get_sample_value(f"triptych_client_{name}", {"client": client})

    policy = Resilience(retry=None, breaker=Breaker(failures=2))
    with Client(
        f"http://{nobody}", resilience=policy, observers=[PrometheusObserver("a", registry=registry)]
    ) as client:
        for _ in range(2):
            with pytest.raises(UnavailableError):
                client.classify(b"image")
    assert (value("a", "circuit_open"), value("a", "servers_resting")) == (1, 1)

    policy = Resilience(ejection=Ejection(least=3, window=3))
    with FakeServer() as good, FakeServer() as bad:
        bad.fails = Failure("INTERNAL", 500)
        observers = [PrometheusObserver("b", registry=registry)]
        with Client([good.http_url, bad.http_url], resilience=policy, observers=observers) as client:
            failed = 0
            for _ in range(20):
                try:
                    client.classify(b"image")
                except Exception:
                    failed += 1
    assert failed == 3
    assert (value("b", "ejections_total"), value("b", "servers"), value("b", "servers_resting")) == (1, 2, 1)


def test_health_and_embeddings_are_operations_of_their_own(registry: CollectorRegistry) -> None:
    with FakeServer() as server, Client(server.http_url, observers=[PrometheusObserver(registry=registry)]) as client:
        client.embed(b"image")
        client.health()
    for operation in ("embed", "health"):
        labels = {"client": "default", "operation": operation, "outcome": "ok"}
        assert registry.get_sample_value("triptych_client_calls_total", labels) == 1


def test_two_clients_share_a_registry(registry: CollectorRegistry) -> None:
    PrometheusObserver("one", registry=registry)
    PrometheusObserver("two", registry=registry)
    assert generate_latest(registry).count(b"# HELP triptych_client_calls_total") == 1


class Broken:
    """Fails at everything."""

    def begin(self, call: Call) -> WatchedCall:  # noqa: ARG002
        raise RuntimeError("broken at the beginning")


class BrokenLater:
    """Begins, and fails at everything else; its header is none."""

    def begin(self, call: Call) -> "BrokenLater":  # noqa: ARG002
        return self

    @property
    def headers(self) -> Mapping[str, str]:
        return {"a\r\nb": "c"}

    def attempt(self, attempt: Attempt) -> Any:  # noqa: ARG002
        return self

    def end(self, error: BaseException | None, standing: Standing | None = None) -> None:  # noqa: ARG002
        raise RuntimeError("broken at the end")


@pytest.mark.parametrize("observer", [Broken(), BrokenLater()])
def test_an_observer_that_fails_is_logged_and_fails_no_call(
    caller: Caller, observer: Observer, caplog: pytest.LogCaptureFixture
) -> None:
    with FakeServer() as server, caller(server.http_url, observers=[observer]) as classify:
        assert classify(b"image").release == 1
        assert set(server.headers[0]) == {"host", "content-type", "content-length", "inference-header-content-length"}
    assert "an observer of calls failed" in caplog.text
    assert {record.levelno for record in caplog.records} == {logging.ERROR}


def test_an_error_passes_a_broken_observer(caller: Caller) -> None:
    with FakeServer() as server, caller(server.http_url, observers=[BrokenLater()]) as classify:
        server.fails = Failure("RESOURCE_EXHAUSTED", 429, headers={"Retry-After": "99"})
        with pytest.raises(OverloadedError):
            classify(b"image")


def test_nothing_of_it_is_imported_unless_asked_for() -> None:
    program = (
        "import sys, triptych.observing, triptych\n"
        "for url in ('grpc://h', 'https://h'): triptych.Client(url).close()\n"
        "print(sorted({name.partition('.')[0] for name in sys.modules} & {'opentelemetry', 'prometheus_client'}))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_images_that_fail_are_counted_by_code(
    caller: Caller, protocol: str, registry: CollectorRegistry, server: FakeServer
) -> None:
    server.set_error(b"half", "corrupt_image")
    server.set_error(b"odd", "made_up_by_this_server")
    with caller(PROTOCOLS[protocol](server), observers=[PrometheusObserver("tests", registry=registry)]) as classify:
        for image in (b"half", b"half", b"odd", b"", b"whole"):
            with suppress(ImageError):
                classify(image)
    found = {
        sample.labels["code"]: (sample.labels["operation"], sample.value)
        for metric in registry.collect()
        for sample in metric.samples
        if sample.name == "triptych_client_image_errors_total"
    }
    assert found == {
        "corrupt_image": ("classify", 2),
        "rejected": ("classify", 1),
        "empty_image": ("classify", 1),
    }


def test_each_failed_image_of_many_is_counted(url: str, registry: CollectorRegistry, server: FakeServer) -> None:
    server.set_error(b"half", "corrupt_image")
    with Client(url, observers=[PrometheusObserver("tests", registry=registry)]) as client:
        list(client.embed_many([b"whole", b"half", "missing.jpg", b"half"]))
    labels = {"client": "tests", "operation": "embed"}
    name = "triptych_client_image_errors_total"
    assert registry.get_sample_value(name, {**labels, "code": "corrupt_image"}) == 2
    assert registry.get_sample_value(name, {**labels, "code": "missing_file"}) == 1


def test_the_documented_codes_of_images_are_those_that_are_counted() -> None:
    assert {*re.findall(r"`(\w+_\w+|unreadable|rejected)`", errors.ImageError.__doc__ or "")} == errors.IMAGE_CODES


def test_an_observer_need_not_care_for_images(url: str, server: FakeServer) -> None:
    server.set_error(b"half")
    with Client(url, observers=[OtelObserver()]) as client, pytest.raises(ImageError):
        client.classify(b"half")


def test_retries_and_ejections_are_logged_at_debug(caplog: pytest.LogCaptureFixture, protocol: str) -> None:
    broken = Failure("INTERNAL", http=500, message="broken")
    ejection = Ejection(least=2, window=2)
    with (
        FakeServer(failure=lambda number: Failure("UNAVAILABLE", http=503) if number == 1 else None) as well,
        FakeServer() as bad,
        caplog.at_level(logging.DEBUG, logger="triptych"),
        Client(PROTOCOLS[protocol](well), resilience=QUICK) as client,
        Client([PROTOCOLS[protocol](each) for each in (well, bad)], resilience=Resilience(ejection=ejection)) as both,
    ):
        client.classify(b"image")
        assert ["attempt 1 failed; the next one follows in" in each for each in caplog.messages] == [True]
        bad.fails = broken
        for _ in range(8):
            with suppress(ServerError):
                both.classify(b"image")
        (ejected,) = [each for each in caplog.messages if each.startswith("ejected")]
        assert PROTOCOLS[protocol](bad) in ejected
        assert "broken" in ejected
    assert {(record.name, record.levelno) for record in caplog.records} == {("triptych", logging.DEBUG)}


def test_a_hedge_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    policy = Resilience(hedging=Hedging(after_s=0.01))
    with (
        FakeServer(answer_s=0.2) as slow,
        FakeServer() as quick,
        caplog.at_level(logging.DEBUG, logger="triptych"),
        Client([slow.http_url, quick.http_url], resilience=policy) as client,
    ):
        client.classify(b"image")
    assert f"no answer from {slow.http_url} within 0.01 s; hedging" in caplog.messages


def test_the_logger_has_no_handler_and_no_level_of_its_own() -> None:
    assert logging.getLogger("triptych").handlers == []
    assert logging.getLogger("triptych").level == logging.NOTSET
