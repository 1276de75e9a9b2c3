"""Keeps the verdict on a server current, and tells it by HTTP, for a kubelet.

GET /readyz  200 where requests should come, else 503
GET /livez   503 where the server is to be replaced, else 200
GET /        200: the watch itself works
"""

import json
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socket import AF_INET6
from types import TracebackType

from triptych_ops.errors import OpsError

from ..ports import Ports
from .judgement import Limits
from .probe import Probe, patience_s
from .verdict import Verdict

_LOOK_S = 0.1
USUAL_ANSWER_S = 0.1
"""Of a server without other work, at most: ten times what a small network takes on one core."""


class Watch:
    """Asks the server at `ports` the known question while it is entered.

    report:         takes a line for people whenever the server becomes ready or ceases to be
    usual_answer_s: what an answer takes at most where there is no other work; faster ones lower it
    """

    def __init__(self, ports: Ports, *, report: Callable[[str], None], usual_answer_s: float = USUAL_ANSWER_S) -> None:
        self._probe = Probe(ports, fastest_s=usual_answer_s)
        self._report = report
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="watch", daemon=True)
        self.verdict = Verdict()

    def __enter__(self) -> "Watch":
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._ended.set()
        self._thread.join()

    def _run(self) -> None:
        with self._probe as probe:
            while not self._ended.wait(_LOOK_S):
                for answer in probe.answers():
                    limits = Limits(unanswered_s=patience_s(probe.fastest_s))
                    earlier, self.verdict = self.verdict, self.verdict.after(answer, time.monotonic(), limits)
                    if earlier.kind != self.verdict.kind:
                        self._report(_line(self.verdict))


class Telling:
    """Tells what a watch knows by HTTP while it is entered.

    Raises:
        OpsError: it cannot listen there.
    """

    def __init__(self, watch: Watch, *, address: str, port: int) -> None:
        self._watch = watch
        self._address = (address, port)
        self._leaving = ExitStack()

    def __enter__(self) -> "Telling":
        watch = self._watch

        class Handler(_Handler):
            def verdict(self) -> Verdict:
                return watch.verdict

        try:
            server = (_Server6 if ":" in self._address[0] else _Server)(self._address, Handler)
        except OSError as error:
            where = f"{self._address[0]} port {self._address[1]}"
            raise OpsError(f"cannot listen on {where}: {error.strerror}; choose another --address or --port") from error
        thread = threading.Thread(target=server.serve_forever, name="telling", daemon=True)
        thread.start()
        self.port: int = server.server_address[1]
        self._leaving.callback(server.server_close)
        self._leaving.callback(thread.join)
        self._leaving.callback(server.shutdown)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._leaving.close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True


class _Server6(_Server):
    address_family = AF_INET6


class _Handler(BaseHTTPRequestHandler):
    timeout = 5  # a kubelet asks at once

    def verdict(self) -> Verdict:
        raise NotImplementedError

    def do_GET(self) -> None:
        """Answer one of the three paths."""
        verdict = self.verdict()
        told = {"/": True, "/readyz": verdict.ready, "/livez": verdict.fault is None}
        ok = told.get(self.path)
        status = HTTPStatus.NOT_FOUND if ok is None else HTTPStatus.OK if ok else HTTPStatus.SERVICE_UNAVAILABLE
        body = json.dumps({"ok": ok, "reason": verdict.fault or verdict.reason}).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Probes are no news."""


def _line(verdict: Verdict) -> str:
    if verdict.ready:
        return f"ready: {verdict.reason}"
    return f"to be replaced: {verdict.fault}" if verdict.fault else f"not ready: {verdict.reason}"
