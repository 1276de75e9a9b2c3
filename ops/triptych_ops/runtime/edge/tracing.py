"""The edge's own span of each request that comes with one. Pure.

https://www.envoyproxy.io/docs/envoy/latest/api-v3/config/trace/v3/opentelemetry.proto
"""

from typing import Any

from triptych_ops.runtime.tracing import Collector

COLLECTOR = "collector"

_SERVICE = "triptych-edge"
_TIMEOUT_S = 5
_SAMPLED = "'traceparent' in request.headers && request.headers['traceparent'].matches('^00-.*-.[13579bdf]$')"
_READABLE = f"%CEL({_SAMPLED} ? request.headers['traceparent'] : '-')%"


def tracing(collector: Collector) -> dict[str, Any]:
    """Fields of a connection manager: a child of the caller's span, if that is sampled; of others none.

    Envoy would begin a trace of its own for each of the others, whose `traceparent` Triton would go by. Where it cannot
    read the header it makes none.
    """
    target = {"uri": collector.url, "cluster": COLLECTOR, "timeout": f"{_TIMEOUT_S}s"}
    tracer = {
        "@type": "type.googleapis.com/envoy.config.trace.v3.OpenTelemetryConfig",
        "http_service": {"http_uri": target},
        "service_name": _SERVICE,
    }
    readable = {"header": {"key": "traceparent", "value": _READABLE}, "append_action": "OVERWRITE_IF_EXISTS_OR_ADD"}
    identifiers = {
        "@type": "type.googleapis.com/envoy.extensions.request_id.uuid.v3.UuidRequestIdConfig",
        "use_request_id_for_trace_sampling": False,
    }
    early = {
        "@type": "type.googleapis.com/envoy.extensions.http.early_header_mutation.header_mutation.v3.HeaderMutation",
        "mutations": [{"append": readable}],
    }
    return {
        "tracing": {
            "provider": {"name": "envoy.tracers.opentelemetry", "typed_config": tracer},
        },
        "request_id_extension": {"typed_config": identifiers},
        "early_header_mutation_extensions": [{"name": "sampled", "typed_config": early}],
    }


def collector_cluster(collector: Collector) -> dict[str, Any]:
    """Where spans are sent."""
    address = {"socket_address": {"address": collector.host, "port_value": collector.port}}
    endpoints = [{"lb_endpoints": [{"endpoint": {"address": address}}]}]
    return {
        "name": COLLECTOR,
        "type": "STRICT_DNS",
        "connect_timeout": "1s",
        "load_assignment": {"cluster_name": COLLECTOR, "endpoints": endpoints},
    }
