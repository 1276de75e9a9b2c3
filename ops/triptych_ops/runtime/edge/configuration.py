"""Settings -> Envoy's configuration, as plain data. Pure: the same for a process here and a container elsewhere."""

from pathlib import Path
from typing import Any

from triptych_ops.errors import UsageError

from .listeners import BUFFER_BYTES, listener, secrets
from .metrics import administration_cluster, metrics_listener
from .routes import CLUSTER
from .settings import EdgeSettings, Limits, Upstream
from .statistics import statistics
from .tracing import collector_cluster

BOOTSTRAP = "envoy.json"

_CONNECT_TIMEOUT_S = 1  # to loopback
_SHRINK, _DROP, _REFUSE = 0.7, 0.8, 0.95  # of the memory
_IMPATIENT = {
    "@type": "type.googleapis.com/envoy.config.overload.v3.ScaleTimersOverloadActionConfig",
    "timer_scale_factors": [
        {"timer": "HTTP_DOWNSTREAM_CONNECTION_IDLE", "min_timeout": "1s"},
        {"timer": "HTTP_DOWNSTREAM_STREAM_IDLE", "min_timeout": "5s"},  # it may wait for its answer
    ],
}


def configuration(
    settings: EdgeSettings, upstream: Upstream, *, folder: Path, administration: Path | None = None
) -> dict[str, dict[str, Any]]:
    """Name of a file -> its content, JSON. Envoy starts with `-c FOLDER/envoy.json`.

    folder:         where these files will lie
    administration: the socket of Envoy's own administration, for its user alone; None for no such thing

    Raises:
        UsageError: a port for metrics without an administration, from which they come.
    """
    documents = {BOOTSTRAP: _bootstrap(settings, upstream, folder)}
    if administration:
        documents[BOOTSTRAP]["admin"] = {"address": {"pipe": {"path": str(administration), "mode": 0o600}}}
    if settings.metrics_port is not None:
        if administration is None:
            raise UsageError("the edge's metrics come from its administration; name a socket for that")
        resources = documents[BOOTSTRAP]["static_resources"]
        resources["listeners"].append(metrics_listener(settings, settings.metrics_port))
        resources["clusters"].append(administration_cluster(administration))
    if settings.tls:
        documents |= {f"{name}.json": document for name, document in secrets(settings.tls).items()}
    return documents


def _bootstrap(settings: EdgeSettings, upstream: Upstream, folder: Path) -> dict[str, Any]:
    clusters = [_cluster(settings, upstream)]
    if settings.collector:
        clusters.append(collector_cluster(settings.collector))
    return {
        "node": {"id": "edge", "cluster": "triptych"},
        "static_resources": {
            "listeners": [listener(settings, grpc=grpc, folder=folder) for grpc in (False, True)],
            "clusters": clusters,
        },
        "overload_manager": _overload(settings.limits),
        "stats_config": statistics(),
    }


def _cluster(settings: EdgeSettings, upstream: Upstream) -> dict[str, Any]:
    """Both of Triton's ports as one cluster, for one limit over HTTP and gRPC; each route takes its port."""
    limit = settings.limits.max_concurrent
    thresholds = {
        "max_requests": limit,
        "max_pending_requests": limit,
        "max_connections": limit * settings.workers,  # each worker has connections of its own
    }
    ports = {"http": upstream.http_port, "grpc": upstream.grpc_port}
    endpoints = [
        {
            "endpoint": {"address": {"socket_address": {"address": upstream.address, "port_value": port}}},
            "metadata": {"filter_metadata": {"envoy.lb": {"protocol": protocol}}},
        }
        for protocol, port in ports.items()
    ]
    return {
        "name": CLUSTER,
        "type": "STATIC",
        "connect_timeout": f"{_CONNECT_TIMEOUT_S}s",
        "per_connection_buffer_limit_bytes": BUFFER_BYTES,
        "load_assignment": {"cluster_name": CLUSTER, "endpoints": [{"lb_endpoints": endpoints}]},
        "lb_subset_config": {"fallback_policy": "NO_FALLBACK", "subset_selectors": [{"keys": ["protocol"]}]},
        "circuit_breakers": {"thresholds": [thresholds]},
        "typed_extension_protocol_options": {
            "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
                "@type": "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
                "use_downstream_protocol_config": {"http_protocol_options": {}, "http2_protocol_options": {}},
            }
        },
    }


def _overload(limits: Limits) -> dict[str, Any]:
    kind = "type.googleapis.com/envoy.extensions.resource_monitors"
    heap = {"@type": f"{kind}.fixed_heap.v3.FixedHeapConfig", "max_heap_size_bytes": limits.memory_bytes}
    connections = {
        "@type": f"{kind}.downstream_connections.v3.DownstreamConnectionsConfig",
        "max_active_downstream_connections": limits.max_connections,
    }
    return {
        "refresh_interval": "0.1s",
        "resource_monitors": [
            {"name": "envoy.resource_monitors.fixed_heap", "typed_config": heap},
            {"name": "envoy.resource_monitors.global_downstream_max_connections", "typed_config": connections},
        ],
        "buffer_factory_config": {"minimum_account_to_track_power_of_two": 20},  # streams of a megabyte or more
        "actions": [
            _at("envoy.overload_actions.shrink_heap", {"threshold": {"value": _SHRINK}}),
            _at("envoy.overload_actions.reduce_timeouts", _shedding()) | {"typed_config": _IMPATIENT},
            _at("envoy.overload_actions.reset_high_memory_stream", _shedding()),
            _at("envoy.overload_actions.stop_accepting_requests", {"threshold": {"value": _REFUSE}}),
        ],
        # Envoy knows what a stream holds over gRPC alone, so of HTTP/1.1 any that sends more is closed.
        "loadshed_points": [_at("envoy.load_shed_points.http1_server_abort_dispatch", _shedding())],
    }


def _shedding() -> dict[str, Any]:
    return {"scaled": {"scaling_threshold": _DROP, "saturation_threshold": _REFUSE}}


def _at(action: str, trigger: dict[str, Any]) -> dict[str, Any]:
    return {"name": action, "triggers": [{"name": "envoy.resource_monitors.fixed_heap", **trigger}]}
