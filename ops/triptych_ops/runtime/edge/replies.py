"""What the edge answers itself, in the words of Triton's clients: `{"error": …}` or a gRPC status. Pure."""

from dataclasses import dataclass
from typing import Any

from .settings import Limits

_INVALID_ARGUMENT, _DEADLINE_EXCEEDED, _PERMISSION_DENIED, _RESOURCE_EXHAUSTED = 3, 4, 7, 8
_UNIMPLEMENTED, _UNAVAILABLE, _UNAUTHENTICATED = 12, 14, 16

RETRY_AFTER_S = 1
"""The least that Retry-After can say; the queue behind the limit is shorter."""

_EXPRESSION = "type.googleapis.com/envoy.extensions.access_loggers.filters.cel.v3.ExpressionFilter"
_PATH = "the path has an escaped slash or NUL (%2F, %5C, %00), or a #; write it without"

_LATER = {"retry-after": str(RETRY_AFTER_S)}
_LATER_GRPC = {"grpc-retry-pushback-ms": str(1000 * RETRY_AFTER_S)}


@dataclass(frozen=True, slots=True)
class _Reply:
    """What is answered instead of Envoy's own reply.

    on:      the reply's response flags, or its status, or the details of its response code
    message: None leaves the filter's own words
    """

    on: tuple[str, ...] | int | str
    status: int
    grpc_status: int
    message: str | None = None
    later: bool = False


def _replies(limits: Limits) -> tuple[_Reply, ...]:
    memory = "overloaded: the edge's memory is full; try again"
    full = f"overloaded: {limits.max_concurrent} requests are under way; try again"
    late = f"the request was not complete within {limits.request_timeout_s:g} s"
    large = f"a request may have at most {limits.max_body_bytes} bytes"
    key = "an API key is needed: authorization: Bearer KEY, or x-api-key: KEY"
    silent = f"the server did not answer within {limits.answer_timeout_s:g} s"
    return (
        _Reply(("UO",), 429, _RESOURCE_EXHAUSTED, full, later=True),
        _Reply(("OM",), 429, _RESOURCE_EXHAUSTED, memory, later=True),
        _Reply(("UF", "UH", "UC", "UR", "LR"), 503, _UNAVAILABLE, "the server does not answer; try again", later=True),
        _Reply(("UT", "UMSDR", "DT"), 504, _DEADLINE_EXCEEDED, silent),
        _Reply(500, 429, _RESOURCE_EXHAUSTED, memory, later=True),  # Envoy's own 500 is for a request that it sheds
        _Reply(501, 400, _INVALID_ARGUMENT, "no transfer-encoding but chunked is taken"),
        # Envoy refuses these with an empty body.
        _Reply("path_normalization_failed", 400, _INVALID_ARGUMENT, _PATH),
        _Reply("missing_host_header", 400, _INVALID_ARGUMENT, "the request has no header host"),
        _Reply(400, 400, _INVALID_ARGUMENT),
        _Reply(401, 401, _UNAUTHENTICATED, key),
        _Reply(403, 403, _PERMISSION_DENIED),
        _Reply(404, 404, _UNIMPLEMENTED),
        _Reply(408, 408, _DEADLINE_EXCEEDED, late),
        _Reply(413, 413, _INVALID_ARGUMENT, large),
        _Reply(415, 415, _UNIMPLEMENTED),
        _Reply(431, 431, _INVALID_ARGUMENT, "the request's head is too long"),
    )


def local_replies(limits: Limits, *, grpc: bool) -> dict[str, Any]:
    """Envoy's LocalReplyConfig."""
    mappers = [_mapper(reply, grpc=grpc) for reply in _replies(limits)]
    if grpc:
        return {"mappers": mappers}
    return {"mappers": mappers, "body_format": {"json_format": {"error": "%LOCAL_REPLY_BODY%"}}}


def _mapper(reply: _Reply, *, grpc: bool) -> dict[str, Any]:
    headers = {"grpc-status": str(reply.grpc_status)} if grpc else {}
    if reply.later:
        headers |= _LATER_GRPC if grpc else _LATER
    if reply.status == 401 and not grpc:
        headers |= {"www-authenticate": "Bearer"}
    mapper: dict[str, Any] = {
        "filter": _filter(reply.on),
        "status_code": reply.status,
        "headers_to_add": [
            {"header": {"key": key, "value": value}, "append_action": "OVERWRITE_IF_EXISTS_OR_ADD"}
            for key, value in headers.items()
        ],
    }
    return mapper | ({"body": {"inline_string": reply.message}} if reply.message else {})


def _filter(on: tuple[str, ...] | int | str) -> dict[str, Any]:
    if isinstance(on, tuple):
        return {"response_flag_filter": {"flags": list(on)}}
    if isinstance(on, str):
        expression = {"@type": _EXPRESSION, "expression": f'response.code_details == "{on}"'}
        return {"extension_filter": {"name": "details", "typed_config": expression}}
    value = {"default_value": on, "runtime_key": "triptych.no_such_key"}
    return {"status_code_filter": {"comparison": {"op": "EQ", "value": value}}}
