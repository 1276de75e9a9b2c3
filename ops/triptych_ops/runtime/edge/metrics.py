"""The port for Prometheus: Envoy's own statistics as GET /metrics, and nothing else of its administration. Pure."""

from pathlib import Path
from typing import Any

from .listeners import SOLE_OWNER_OF_ITS_PORT
from .settings import EdgeSettings

_ADMINISTRATION = "administration"
_STATISTICS = "/stats/prometheus"
_TIMEOUT_S = 5.0  # they come from memory
_MAX_CONNECTIONS = 16  # a few Prometheus, each with one
_NETWORK = "type.googleapis.com/envoy.extensions.filters.network"
_ROUTER = "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router"


def metrics_listener(settings: EdgeSettings, port: int) -> dict[str, Any]:
    """Envoy's Listener. It is in plain and knows no keys: who may reach it is the network's to say."""
    return {
        "name": "metrics",
        "address": {"socket_address": {"address": settings.address, "port_value": port}},
        **SOLE_OWNER_OF_ITS_PORT,
        # An edge that is full must be able to say so.
        "bypass_overload_manager": True,
        "filter_chains": [
            {
                "filters": [
                    {"name": "connections", "typed_config": _connection_limit()},
                    {"name": "connection_manager", "typed_config": _manager(settings)},
                ]
            }
        ],
    }


def administration_cluster(administration: Path) -> dict[str, Any]:
    """Envoy's Cluster of its own administration."""
    endpoint = {"endpoint": {"address": {"pipe": {"path": str(administration)}}}}
    return {
        "name": _ADMINISTRATION,
        "type": "STATIC",
        "connect_timeout": f"{_TIMEOUT_S}s",
        "load_assignment": {"cluster_name": _ADMINISTRATION, "endpoints": [{"lb_endpoints": [endpoint]}]},
    }


def _connection_limit() -> dict[str, Any]:
    return {
        "@type": f"{_NETWORK}.connection_limit.v3.ConnectionLimit",
        "stat_prefix": "metrics",
        "max_connections": _MAX_CONNECTIONS,
    }


def _manager(settings: EdgeSettings) -> dict[str, Any]:
    limits = settings.limits
    return {
        "@type": f"{_NETWORK}.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": "metrics",
        "codec_type": "HTTP1",
        "route_config": {
            "name": "metrics",
            "virtual_hosts": [{"name": "metrics", "domains": ["*"], "routes": _routes()}],
        },
        "http_filters": [{"name": "router", "typed_config": {"@type": _ROUTER}}],
        "common_http_protocol_options": {"idle_timeout": f"{limits.idle_timeout_s}s"},
        "request_headers_timeout": f"{limits.head_timeout_s}s",
        "request_timeout": f"{_TIMEOUT_S}s",
        "stream_idle_timeout": f"{_TIMEOUT_S}s",
        "generate_request_id": False,
        "server_name": "triptych",
    }


def _routes() -> list[dict[str, Any]]:
    # As it is sent, with whatever follows a question mark: Envoy's administration takes parameters.
    whole = {"name": ":path", "string_match": {"exact": "/metrics"}}
    read = {"name": ":method", "string_match": {"exact": "GET"}}
    return [
        {
            "match": {"path": "/metrics", "headers": [whole, read]},
            "route": {"cluster": _ADMINISTRATION, "prefix_rewrite": _STATISTICS, "timeout": f"{_TIMEOUT_S}s"},
        },
        {
            "match": {"prefix": "/"},
            "direct_response": {"status": 404, "body": {"inline_string": "only GET /metrics is served here\n"}},
        },
    ]
