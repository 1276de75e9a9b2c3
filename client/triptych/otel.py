"""Traces by OpenTelemetry: a span of each call, and in it one of each attempt, whose server continues the trace.

    from triptych.otel import OtelObserver

    client = Client(url, observers=[OtelObserver()])

Needs `pip install 'triptych[otel]'`. Attributes follow the semantic conventions of RPC and HTTP client spans
(https://opentelemetry.io/docs/specs/semconv/); those of our own begin with `triptych.`. No span has an image's name, a
header, or a URL's credentials.
"""

from collections.abc import Mapping
from typing import Any, Final

from opentelemetry import context, propagate, trace
from opentelemetry.context import Context
from opentelemetry.trace import Span, SpanKind, Status, StatusCode, Tracer, TracerProvider

from . import contract
from .endpoint import Endpoint
from .observing import Call, outcome, status
from .resilience.calling import Standing
from .resilience.course import Attempt
from .transports.transport import attempt_id

_SERVICE: Final = "inference.GRPCInferenceService"
_METHOD: Final = "ModelInfer"
_PATH: Final = f"/v2/models/{contract.MODEL_NAME}/infer"


class OtelObserver:
    """An `Observer` that makes spans, by the global tracer provider and propagator unless others are given."""

    def __init__(self, tracer_provider: TracerProvider | None = None) -> None:
        self._tracer = trace.get_tracer("triptych", tracer_provider=tracer_provider)

    def begin(self, call: Call) -> "_CallSpan":
        """Start the span of a call, as a child of the caller's."""
        attributes: dict[str, Any] = {
            "triptych.request_id": call.request_id,
            "triptych.inputs.images": call.images,
            "triptych.body_bytes": call.body_bytes,
            "triptych.timeout_s": call.timeout_s,
        }
        span = self._tracer.start_span(f"triptych.{call.operation}", attributes=attributes)
        return _CallSpan(self._tracer, span, call.request_id)


class _CallSpan:
    def __init__(self, tracer: Tracer, span: Span, request_id: str) -> None:
        self._request_id = request_id
        self._tracer = tracer
        self._span = span
        self._inside = trace.set_span_in_context(span, context.get_current())  # a hedge has a thread of its own
        self._attempts = 0

    def attempt(self, attempt: Attempt) -> "_AttemptSpan":
        self._attempts = max(self._attempts, attempt.number)
        name, attributes = _described(attempt)
        sent = {"triptych.request_id": attempt_id(self._request_id, attempt.number)}  # what the server logs
        span = self._tracer.start_span(name, self._inside, kind=SpanKind.CLIENT, attributes={**attributes, **sent})
        return _AttemptSpan(span, self._inside, attempt.endpoint)

    def end(self, error: BaseException | None, standing: Standing) -> None:  # noqa: ARG002  the protocol's form
        self._span.set_attribute("triptych.attempts", self._attempts)
        _end(self._span, error)


class _AttemptSpan:
    def __init__(self, span: Span, inside: Context, endpoint: Endpoint) -> None:
        self._span = span
        self._inside = inside
        self._endpoint = endpoint

    @property
    def headers(self) -> Mapping[str, str]:
        carrier: dict[str, str] = {}
        propagate.inject(carrier, trace.set_span_in_context(self._span, self._inside))
        return carrier

    def end(self, error: BaseException | None) -> None:
        answered = 0 if self._endpoint.is_grpc else 200
        code = status(error) if error else answered
        if code is not None:
            name = "rpc.grpc.status_code" if self._endpoint.is_grpc else "http.response.status_code"
            self._span.set_attribute(name, code)
        _end(self._span, error)


def _described(attempt: Attempt) -> tuple[str, Mapping[str, Any]]:
    """The name of an attempt's span, and what it begins with."""
    endpoint = attempt.endpoint
    server = {"server.address": endpoint.certificate_name, "server.port": endpoint.port}
    if endpoint.name:
        server["network.peer.address"] = endpoint.host
    resent = attempt.number - 1
    if endpoint.is_grpc:
        described: Mapping[str, Any] = {"rpc.system": "grpc", "rpc.service": _SERVICE, "rpc.method": _METHOD}
        again = {"triptych.resend_count": resent} if resent else {}
        return f"{_SERVICE}/{_METHOD}", {**server, **described, **again}
    described = {
        "http.request.method": "POST",
        "url.full": f"{endpoint}{_PATH}",
        "network.protocol.version": "1.1",
    }
    again = {"http.request.resend_count": resent} if resent else {}
    return "POST", {**server, **described, **again}


def _end(span: Span, error: BaseException | None) -> None:
    if error is not None:
        span.set_attribute("error.type", outcome(error))
        span.set_status(Status(StatusCode.ERROR, str(error)))
    span.end()
