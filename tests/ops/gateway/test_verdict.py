"""`/healthz`, `/livez` and `/metrics`."""

import time
from concurrent.futures import ThreadPoolExecutor

from prometheus_client.parser import text_string_to_metric_families

from gateways import running
from triptych.testing import Failure, FakeServer
from triptych_ops.gateway import Limits


def test_health_is_an_inference_asked_once(failing: FakeServer) -> None:
    with running(failing.http_url) as gateway:
        failing.answer_s = 0.2
        before = failing.requests
        with ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(lambda _: gateway.ask("GET", "/healthz"), range(8)))
        answers.append(gateway.ask("GET", "/healthz"))  # from memory
        assert failing.requests == before + 1
    assert {answer.status for answer in answers} == {200}
    assert answers[0].document["ok"] is True
    assert answers[0].document["release"] == 7


def test_bad_health_says_why_and_good_health_comes_back(failing: FakeServer) -> None:
    with running(failing.http_url, limits=Limits(health_fresh_s=0.05)) as gateway:
        failing.fails = Failure("UNAVAILABLE", http=503, message="the server is stopping")
        bad = gateway.ask("GET", "/healthz")
        assert (bad.status, bad.kind, bad.document["ok"]) == (503, "unhealthy", False)
        assert "the server is stopping" in bad.document["detail"]
        assert "127.0.0.1" not in bad.document["detail"]
        assert bad.headers["retry-after"] == "1"
        assert gateway.ask("GET", "/livez").document == {"ok": True}
        failing.fails = None
        time.sleep(0.06)
        assert gateway.ask("GET", "/healthz").status == 200
        first, second = gateway.reports
    assert first.startswith("unhealthy: ")
    assert "127.0.0.1" in first  # the operator is told where
    assert second.startswith("healthy again: ")


def test_metrics_count_what_happened(server: FakeServer) -> None:
    with running(server.http_url) as gateway:
        for image in (b"abc", b"defg"):
            gateway.classify(image)
        gateway.classify(b"")
        gateway.ask("GET", "/nothing/at/all")
        gateway.ask("BREW", "/")
        answer = gateway.ask("GET", "/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=")
    values = {
        (sample.name, *(value for _, value in sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(answer.body.decode())
        for sample in family.samples
    }
    assert values["triptych_gateway_requests_total", "POST", "/classify", "200"] == 2
    assert values["triptych_gateway_requests_total", "POST", "/classify", "422"] == 1
    assert values["triptych_gateway_requests_total", "GET", "unmatched", "404"] == 1
    assert values["triptych_gateway_request_duration_seconds_count", "/classify"] == 3
    assert values["triptych_gateway_request_bytes_total", "/classify"] == 7
    assert values["triptych_gateway_response_bytes_total", "/classify"] > 200
    assert values[("triptych_gateway_requests_in_flight",)] == 1  # this one
    assert values["triptych_client_calls_total", "gateway", "classify", "ok"] == 2
    assert values[("process_resident_memory_bytes",)] > 1e6
    assert not [key for key in values if "/nothing/at/all" in key or "BREW" in key]
