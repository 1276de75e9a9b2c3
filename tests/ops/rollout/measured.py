"""An HTTP server that speaks Prometheus' API: what it says of the tracks, and the ways in which it can be wrong."""

import json
import threading
import time
import urllib.parse
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Series = list[dict[str, Any]]
Answer = Callable[[str, float], tuple[int, bytes] | None]
"""From a query and its time to a status and a body; None: no answer."""


def vector(series: Series) -> bytes:
    return json.dumps({"status": "success", "data": {"resultType": "vector", "result": series}}).encode()


def measured(query: str, at: float, *, value: Callable[[float], str] = str) -> Series:
    """Of 1,000 requests of the candidate and 9,000 of the stable track, alike in all."""
    size = 1000.0 if "candidate" in query else 9000.0

    def series(labels: dict[str, str], count: float) -> dict[str, Any]:
        return {"metric": labels, "value": [at, value(count)]}

    if "by (le)" in query:
        shares = {"0.1": 0.1, "0.15": 0.5, "0.2": 0.8, "0.25": 0.95, "0.5": 1.0, "1": 1.0, "+Inf": 1.0}
        return [series({"le": bound}, share * size) for bound, share in shares.items()]
    if "by (class)" in query:
        return [series({"class": name}, share * size) for name, share in (("cat", 0.5), ("dog", 0.3), ("owl", 0.2))]
    bad = "grpc_status" in query or ("image_errors" in query and not query.startswith("("))
    return [series({}, 0.002 * size if bad else size)]


def good(query: str, at: float) -> tuple[int, bytes]:
    return 200, vector(measured(query, at))


@contextmanager
def served(answer: Answer) -> Iterator[str]:
    """Its address."""
    ends = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(self.path).query))
            found = answer(asked["query"], float(asked.get("time", time.time())))
            if found is None:
                ends.wait(30)
                return
            self.send_response(found[0])
            self.send_header("Content-Length", str(len(found[1])))
            self.end_headers()
            self.wfile.write(found[1])

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        ends.set()
        server.shutdown()
        server.server_close()
        thread.join()
