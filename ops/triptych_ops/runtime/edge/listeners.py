"""The two ports: HTTP/1.1 and gRPC, their filters, their TLS. Pure."""

from pathlib import Path
from typing import Any

from .admission import admission_script, key_script
from .replies import local_replies
from .routes import GUARDS, grpc_routes, http_routes
from .settings import EdgeSettings, TlsFiles
from .statistics import call_counter
from .tracing import tracing

BUFFER_BYTES = 1024 * 1024
"""Of one connection in each direction, beside a request's body: every answer fits, so no slow reader holds a place."""

SOLE_OWNER_OF_ITS_PORT: dict[str, Any] = {
    "enable_reuse_port": False,
    # The workers share one socket then, so connections are handed to them in equal numbers.
    "connection_balance_config": {"exact_balance": {}},
}
"""Of a listener. By default Envoy sets SO_REUSEPORT, and two of one user listen on one port without a word."""

CERTIFICATE, AUTHORITIES = "certificate", "authorities"
"""The secrets, each in a file of its own that Envoy watches."""

_MAX_STREAMS = 128  # of one gRPC connection; each may hold a body
_WINDOW_BYTES = 1024 * 1024  # of one stream: 80 Mbit/s over 100 ms
_HEAD_KILOBYTES, _HEADERS = 16, 64
_FLUSH_TIMEOUT_S = 15.0  # of an answer that nobody reads

_FILTERS = "type.googleapis.com/envoy.extensions.filters.http"
_NETWORK = "type.googleapis.com/envoy.extensions.filters.network"


def listener(settings: EdgeSettings, *, grpc: bool, folder: Path) -> dict[str, Any]:
    """Envoy's Listener; its secrets lie in `folder`."""
    name, port = ("grpc", settings.grpc_port) if grpc else ("http", settings.http_port)
    chain: dict[str, Any] = {"filters": [{"name": "connection_manager", "typed_config": _manager(settings, grpc=grpc)}]}
    if settings.tls:
        chain["transport_socket"] = _tls(settings.tls, folder, protocol="h2" if grpc else "http/1.1")
        chain["transport_socket_connect_timeout"] = f"{settings.limits.head_timeout_s}s"
    return {
        "name": name,
        "address": {"socket_address": {"address": settings.address, "port_value": port}},
        **SOLE_OWNER_OF_ITS_PORT,
        "per_connection_buffer_limit_bytes": BUFFER_BYTES,
        "filter_chains": [chain],
    }


def _manager(settings: EdgeSettings, *, grpc: bool) -> dict[str, Any]:
    limits = settings.limits
    return {
        "@type": f"{_NETWORK}.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": "grpc" if grpc else "http",
        "codec_type": "HTTP2" if grpc else "HTTP1",
        "http2_protocol_options": {
            "max_concurrent_streams": _MAX_STREAMS,
            "initial_stream_window_size": _WINDOW_BYTES,
            "initial_connection_window_size": 16 * _WINDOW_BYTES,
            # Finds clients that went without a word.
            "connection_keepalive": {"interval": "30s", "timeout": "10s"},
        },
        "route_config": (grpc_routes if grpc else http_routes)(limits),
        "http_filters": _filters(settings, grpc=grpc),
        "local_reply_config": local_replies(limits, grpc=grpc),
        "common_http_protocol_options": {
            "idle_timeout": f"{limits.idle_timeout_s}s",
            "max_connection_duration": f"{limits.connection_age_s}s",
            "max_headers_count": _HEADERS,
            "headers_with_underscores_action": "REJECT_REQUEST",
        },
        # An answer says that its connection ends: none ends under a request.
        "http1_safe_max_connection_duration": True,
        "max_request_headers_kb": _HEAD_KILOBYTES,
        "request_headers_timeout": f"{limits.head_timeout_s}s",
        "request_timeout": f"{limits.request_timeout_s}s",
        # A request that waits for its answer is idle, too.
        "stream_idle_timeout": f"{max(limits.request_timeout_s, limits.answer_timeout_s) + 5}s",
        "stream_flush_timeout": f"{_FLUSH_TIMEOUT_S}s",
        "normalize_path": True,
        "merge_slashes": False,
        "path_with_escaped_slashes_action": "REJECT_REQUEST",
        "use_remote_address": True,
        "skip_xff_append": True,
        "generate_request_id": False,
        "forward_client_cert_details": "SANITIZE",
        "server_name": "triptych",
        **(tracing(settings.collector) if settings.collector else {}),
    }


def _filters(settings: EdgeSettings, *, grpc: bool) -> list[dict[str, Any]]:
    """Whoever has no key is refused before a byte of the body is kept; a place is taken only by a whole request."""
    guards = (
        {"@type": f"{_FILTERS}.buffer.v3.Buffer", "max_request_bytes": settings.limits.max_body_bytes},
        _lua(admission_script("grpc" if grpc else "http")),
        _marked("admitted", *(["known"] if settings.api_keys else [])),
    )
    keys = [("keys", _lua(key_script(settings.api_keys)))] if settings.api_keys else []
    router = {"@type": f"{_FILTERS}.router.v3.Router", "suppress_envoy_headers": True}
    counter = [("calls", call_counter())] if grpc else []
    named = [*counter, *keys, *zip(GUARDS, guards, strict=True), ("router", router)]
    return [{"name": name, "typed_config": typed} for name, typed in named]


def _lua(script: str) -> dict[str, Any]:
    return {"@type": f"{_FILTERS}.lua.v3.Lua", "default_source_code": {"inline_string": script}}


def _marked(*marks: str) -> dict[str, Any]:
    """Lets in what the scripts have marked so."""
    matchers = [{"filter": "triptych", "path": [{"key": mark}], "value": {"bool_match": True}} for mark in marks]
    rules = [{"sourced_metadata": {"metadata_matcher": matcher}} for matcher in matchers]
    policy = {"permissions": [{"and_rules": {"rules": rules}}], "principals": [{"any": True}]}
    return {"@type": f"{_FILTERS}.rbac.v3.RBAC", "rules": {"action": "ALLOW", "policies": {"marked": policy}}}


def _tls(tls: TlsFiles, folder: Path, *, protocol: str) -> dict[str, Any]:
    common: dict[str, Any] = {
        "alpn_protocols": [protocol],
        "tls_params": {"tls_minimum_protocol_version": "TLSv1_2"},
        "tls_certificate_sds_secret_configs": [_watched(CERTIFICATE, folder)],
    }
    if tls.client_authorities:
        common["validation_context_sds_secret_config"] = _watched(AUTHORITIES, folder)
    return {
        "name": "tls",
        "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext",
            "common_tls_context": common,
            "require_client_certificate": tls.client_authorities is not None,
        },
    }


def _watched(name: str, folder: Path) -> dict[str, Any]:
    source = {"path_config_source": {"path": str(folder / f"{name}.json")}, "resource_api_version": "V3"}
    return {"name": name, "sds_config": source}


def secrets(tls: TlsFiles) -> dict[str, dict[str, Any]]:
    """Name of a secret -> the document that Envoy reads it from."""
    certificate = {
        "tls_certificate": {
            "certificate_chain": {"filename": str(tls.certificate)},
            "private_key": {"filename": str(tls.key)},
            "watched_directory": {"path": str(tls.certificate.parent)},
        }
    }
    found = {CERTIFICATE: certificate}
    if tls.client_authorities:
        authorities = {
            "validation_context": {
                "trusted_ca": {"filename": str(tls.client_authorities)},
                "watched_directory": {"path": str(tls.client_authorities.parent)},
            }
        }
        found[AUTHORITIES] = authorities
    kind = "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret"
    return {name: {"resources": [{"@type": kind, "name": name, **secret}]} for name, secret in found.items()}
