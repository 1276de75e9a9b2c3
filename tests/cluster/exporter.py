"""What servers and edges of two tracks would export: each namespace's candidate is like its stable track, or is not."""

import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

_LATENCY_MS = {"30": 0.2, "40": 0.6, "50": 0.8, "60": 0.95, "100": 1.0, "200": 1.0, "+Inf": 1.0}
_CLASSES = {"cat": 0.6, "dog": 0.3, "owl": 0.1}
_EXCHANGED = {"cat": 0.1, "dog": 0.6, "owl": 0.3}


def _text(elapsed_s: float, exchanged: Mapping[str, bool]) -> str:
    """What all tracks have counted."""
    lines = []
    for namespace, is_exchanged in exchanged.items():
        for track, rate in (("stable", 900), ("candidate", 300)):
            own = f'namespace="{namespace}",track="{track}"'
            edge, count = f'{own},envoy_http_conn_manager_prefix="grpc"', rate * elapsed_s
            for kind, share in (("2", 0.99), ("5", 0.01)):
                lines.append(
                    f'envoy_http_downstream_rq_xx{{{edge},envoy_response_code_class="{kind}"}} {share * count}'
                )
            for bound, share in _LATENCY_MS.items():
                lines.append(f'envoy_http_downstream_rq_time_bucket{{{edge},le="{bound}"}} {share * count}')
            odd = is_exchanged and track == "candidate"
            for name, share in (_EXCHANGED if odd else _CLASSES).items():
                lines.append(f'triptych_predictions_total{{{own},class="{name}"}} {share * count}')
            for bound, share in {"0.5": 0.2, "0.9": 0.6, "1": 1.0, "+Inf": 1.0}.items():
                lines.append(f'triptych_top_score_bucket{{{own},le="{bound}"}} {share * count}')
    return "\n".join(lines) + "\n"


@contextmanager
def exporter(exchanged: Mapping[str, bool]) -> Iterator[int]:
    """Its port. At the end it is gone, and so are its series.

    exchanged: namespace -> whether the labels of its candidate are exchanged
    """
    began = time.monotonic()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = _text(time.monotonic() - began, exchanged).encode()
            self.send_response(200)
            self.send_header("Content-Type", "text/plain; version=0.0.4")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
