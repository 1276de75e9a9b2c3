"""Which requests the edge passes on: inference of the ensemble, and nothing else. Pure."""

import re
from collections.abc import Mapping
from typing import Any

from triptych import contract

from .settings import Limits

CLUSTER = "triton"
GRPC_SERVICE, GRPC_METHOD = "inference.GRPCInferenceService", "ModelInfer"
GUARDS = ("buffer", "admission", "admitted")
"""The filters that read a request's body, by name; what is refused by its head never reaches them."""

_HTTP_PATHS = rf"/v2/models/{contract.MODEL_NAME}(/versions/[0-9]{{1,18}})?/infer"
_GRPC_PATHS = rf"/{re.escape(GRPC_SERVICE)}/{GRPC_METHOD}"
_DISABLED = {"@type": "type.googleapis.com/envoy.config.route.v3.FilterConfig", "disabled": True}
_FOREVER = 2**63 - 1
_NOT_FOR_TRITON = [
    "accept-encoding",  # answers are short
    "authorization",
    "traceparent",  # what Envoy sends on it writes itself
    "x-api-key",
    "x-envoy-expected-rq-timeout-ms",
    "x-envoy-external-address",
    "x-forwarded-for",
    "x-forwarded-proto",
]


def http_routes(limits: Limits) -> dict[str, Any]:
    """Envoy's RouteConfiguration of the HTTP port."""
    plain = {"name": "content-encoding", "string_match": {"exact": "identity", "ignore_case": True}}
    return _routes(
        [
            _refusing(405, "only POST is served here", _HTTP_PATHS, _not(_exactly(":method", "POST")), allow="POST"),
            _refusing(415, "compressed bodies are not taken", _HTTP_PATHS, _present("content-encoding"), _not(plain)),
            *_common(_HTTP_PATHS, limits, protocol="http"),
            _refusing(404, f"only inference of {contract.MODEL_NAME} is served here", ".*"),
        ]
    )


def grpc_routes(limits: Limits) -> dict[str, Any]:
    """Envoy's RouteConfiguration of the gRPC port."""
    plain = _exactly("grpc-encoding", "identity")
    return _routes(
        [
            _refusing(415, "compressed messages are not taken", _GRPC_PATHS, _present("grpc-encoding"), _not(plain)),
            *_common(_GRPC_PATHS, limits, protocol="grpc"),
            _refusing(404, f"only ModelInfer of {contract.MODEL_NAME} is served here", ".*"),
        ]
    )


def _routes(routes: list[dict[str, Any]]) -> dict[str, Any]:
    tunnels = _answering(405, "nothing is connected to", {"connect_matcher": {}}, {})
    host = {"name": "edge", "domains": ["*"], "routes": [tunnels, *routes]}
    return {"name": "edge", "virtual_hosts": [host], "request_headers_to_remove": _NOT_FOR_TRITON}


def _common(paths: str, limits: Limits, *, protocol: str) -> list[dict[str, Any]]:
    too_large = {"name": "content-length", "range_match": {"start": limits.max_body_bytes + 1, "end": _FOREVER}}
    inference: dict[str, Any] = {
        "match": {"safe_regex": {"regex": paths}} | ({"grpc": {}} if protocol == "grpc" else {}),
        "route": {
            "cluster": CLUSTER,
            "metadata_match": {"filter_metadata": {"envoy.lb": {"protocol": protocol}}},
            "timeout": f"{limits.answer_timeout_s}s",
            # What certainly did not reach Triton; nothing that it may have died of is sent again.
            "retry_policy": {"retry_on": "reset-before-request,refused-stream", "num_retries": 1},
        },
    }
    return [_refusing(413, "too large", paths, too_large), inference]


def _refusing(status: int, message: str, paths: str, *headers: dict[str, Any], **answer: str) -> dict[str, Any]:
    return _answering(status, message, {"safe_regex": {"regex": paths}, "headers": list(headers)}, answer)


def _answering(status: int, message: str, match: dict[str, Any], answer: Mapping[str, str]) -> dict[str, Any]:
    return {
        "match": match,
        "direct_response": {"status": status, "body": {"inline_string": message}},
        "response_headers_to_add": [{"header": {"key": key, "value": value}} for key, value in answer.items()],
        "typed_per_filter_config": dict.fromkeys(GUARDS, _DISABLED),
    }


def _present(name: str) -> dict[str, Any]:
    return {"name": name, "present_match": True}


def _exactly(name: str, value: str) -> dict[str, Any]:
    return {"name": name, "string_match": {"exact": value}}


def _not(match: dict[str, Any]) -> dict[str, Any]:
    return match | {"invert_match": True}
