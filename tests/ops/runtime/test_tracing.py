"""Where spans go: which URLs are collectors."""

import pytest

from triptych_ops.errors import UsageError
from triptych_ops.runtime import Collector
from triptych_ops.runtime.tracing import triton_flags


@pytest.mark.parametrize(
    ("endpoint", "url"),
    [
        ("http://collector", "http://collector:4318/v1/traces"),
        ("http://collector:4317/", "http://collector:4317/v1/traces"),
        ("http://collector.monitoring.svc:80/otlp", "http://collector.monitoring.svc:80/otlp/v1/traces"),
        ("http://127.0.0.1:4318/v1/traces", "http://127.0.0.1:4318/v1/traces"),
        ("http://[::1]:4318", "http://[::1]:4318/v1/traces"),
    ],
)
def test_a_base_url_or_that_of_traces_is_taken(endpoint: str, url: str) -> None:
    assert Collector.at(endpoint).url == url
    assert f"--trace-config=opentelemetry,url={url}" in triton_flags(Collector.at(endpoint))


@pytest.mark.parametrize(
    "endpoint", ["collector:4318", "https://collector", "grpc://collector:4317", "http://", "http://a:b", "http://a?b"]
)
def test_what_is_no_http_url_is_refused(endpoint: str) -> None:
    with pytest.raises(UsageError, match="write http://HOST:4318"):
        Collector.at(endpoint)
