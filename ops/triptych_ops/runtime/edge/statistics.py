"""What Envoy counts. Pure."""

import re
from typing import Any, Final

from .routes import CLUSTER, GRPC_METHOD, GRPC_SERVICE

_CALL = rf"cluster\.{CLUSTER}\.grpc\.{re.escape(GRPC_SERVICE)}\.{GRPC_METHOD}"
_COUNTED = (
    rf"{_CALL}\.\d+",
    rf"cluster\.{CLUSTER}\.(circuit_breakers\.default\..*|membership_healthy)",
    rf"cluster\.{CLUSTER}\.upstream_(cx|rq)_(.*_)?(active|connect_fail|overflow|timeout|total|[1-5]xx)",
    r"http\.(http|grpc)\.downstream_(cx|rq)_(active|time|total|[1-5]xx|[rt]x_bytes_total|[rt]x_reset|overload_close|timeout)",
    r"http\.(http|grpc)\.(rbac\.allowed|rbac\.denied|lua\.errors)",
    r"listener\..*\.(downstream_global_cx_overflow|downstream_cx_overload_reject|ssl\..*)",
    r"(overload|server)\..*(active|count|expiring|live|memory_.*|pressure|uptime)",
    r"sds\..*",
)
"""By Envoy's names: what objectives, rollouts and dashboards read, or who looks for a fault. All are 1,500 series."""


_BUCKETS_MS: Final = (
    *(1, 1.5, 2, 3, 4, 6, 8, 10, 15, 20, 25, 35, 50, 75, 100, 150, 200, 250, 350, 500, 750),
    *(1000, 1500, 2500, 3500, 5000, 7500, 10000, 15000, 25000, 40000, 60000),
)
"""Each less than 1.8 times the one before: Envoy's own are up to 2.5 times apart and hide twice the latency."""


def statistics() -> dict[str, Any]:
    """Envoy's StatsConfig: what is counted, in which buckets, and gRPC calls' status as a label, `grpc_status`."""
    patterns = [{"safe_regex": {"regex": pattern}} for pattern in _COUNTED]
    return {
        "stats_tags": [{"tag_name": "grpc_status", "regex": rf"^{_CALL}(\.(\d+))$"}],
        "histogram_bucket_settings": [{"match": {"suffix": "downstream_rq_time"}, "buckets": list(_BUCKETS_MS)}],
        "stats_matcher": {"inclusion_list": {"patterns": patterns}},
    }


def call_counter() -> dict[str, Any]:
    """Envoy's filter that counts calls by their status: by HTTP's status, 200, those that fail look like the others."""
    methods = [{"name": GRPC_SERVICE, "method_names": [GRPC_METHOD]}]
    return {
        "@type": "type.googleapis.com/envoy.extensions.filters.http.grpc_stats.v3.FilterConfig",
        "individual_method_stats_allowlist": {"services": methods},
    }
