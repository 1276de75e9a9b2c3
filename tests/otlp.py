"""Spans, and a receiver of them: OTLP over HTTP, as protobuf and as JSON, chunked or not.

https://opentelemetry.io/docs/specs/otlp/#otlphttp
"""

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from google.protobuf.json_format import MessageToDict
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest


@dataclass(frozen=True, slots=True)
class Span:
    """One, with its numbers in lower-case hexadecimal; `parent` is "" of a root."""

    service: str
    name: str
    trace: str
    number: str
    parent: str


def spans_of(document: object) -> list[Span]:
    """Those of an OTLP document in JSON."""
    assert isinstance(document, dict)
    return [
        Span(
            _service(found["resource"]),
            span["name"],
            span["traceId"].lower(),
            span["spanId"].lower(),
            span.get("parentSpanId", "").lower(),
        )
        for found in document.get("resourceSpans", [])
        for scope in found["scopeSpans"]
        for span in scope["spans"]
    ]


WAY = ["shop", "shop", "triptych-edge", "triton-inference-server", "triton-inference-server", "triton-inference-server"]
"""A call of `shop` and its attempt, the edge, Triton's request, its ensemble, a member."""


def way(name: str, spans: list[Span]) -> list[str]:
    """The services from the root to the only span of that name."""
    by_number = {span.number: span for span in spans}
    [span] = [each for each in spans if each.name == name]
    services = [span.service]
    while span.parent:
        span = by_number[span.parent]
        services.append(span.service)
    return services[::-1]


def _service(resource: dict[str, list[dict[str, dict[str, str]]]]) -> str:
    named = {str(each["key"]): each["value"] for each in resource["attributes"]}
    return named["service.name"]["stringValue"]


class Receiver:
    """What was sent until now, and where to send it."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.spans: list[Span] = []
        self.refused: list[str] = []

    def until(self, enough: Callable[[list[Span]], bool], *, within_s: float) -> list[Span]:
        """The spans, as soon as there are enough, or all that came within the time."""
        deadline = time.monotonic() + within_s
        while not enough(self.spans) and time.monotonic() < deadline:
            time.sleep(0.1)
        return list(self.spans)


@contextmanager
def receiver() -> Iterator[Receiver]:
    """Listens on loopback until the end."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler)
    received = Receiver(f"http://127.0.0.1:{server.server_address[1]}")
    server.RequestHandlerClass = _handler(received)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield received
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _handler(received: Receiver) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        """Takes what comes to the path of traces."""

        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self._body()
            if self.path != "/v1/traces":
                received.refused.append(self.path)
            elif "json" in self.headers["Content-Type"]:
                received.spans += spans_of(json.loads(body))
            else:
                received.spans += spans_of(_as_json(body))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *arguments: object) -> None:
            """Nothing."""

        def _body(self) -> bytes:
            if self.headers.get("Transfer-Encoding") != "chunked":
                return self.rfile.read(int(self.headers["Content-Length"]))
            parts = []
            while size := int(self.rfile.readline(), 16):
                parts.append(self.rfile.read(size))
                self.rfile.readline()
            self.rfile.readline()
            return b"".join(parts)

    return Handler


def _as_json(body: bytes) -> object:
    """As OTLP has it in JSON: numbers of spans in hexadecimal."""
    message = ExportTraceServiceRequest.FromString(body)
    document = MessageToDict(message)
    for resource, found in zip(message.resource_spans, document.get("resourceSpans", []), strict=True):
        for scope, scoped in zip(resource.scope_spans, found["scopeSpans"], strict=True):
            for span, told in zip(scope.spans, scoped["spans"], strict=True):
                told |= {
                    "traceId": span.trace_id.hex(),
                    "spanId": span.span_id.hex(),
                    "parentSpanId": span.parent_span_id.hex(),
                }
    return document
