"""The usual metrics, asked of a real Prometheus that scrapes both tracks."""

import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from cluster.layout import Layout
from cluster.prometheus import prometheus
from cluster.tools import fetch_tools
from triptych_ops.rollout.evidence import NoData
from triptych_ops.rollout.metrics import USUAL
from triptych_ops.rollout.prometheus import Prometheus, Window
from triptych_ops.rollout.verdict import Decision, Verdict, judge

_WINDOW_S = 8.0
_LATENCY_MS = {"30": 0.2, "40": 0.6, "50": 0.8, "60": 0.95, "100": 1.0, "200": 1.0, "+Inf": 1.0}
_CLASSES = {"cat": 0.6, "dog": 0.3, "owl": 0.1}
_EXCHANGED = {"cat": 0.1, "dog": 0.6, "owl": 0.3}


def _text(elapsed_s: float) -> str:
    """What all tracks of two namespaces have counted; in one of them the candidate's labels are exchanged."""
    lines = []
    for namespace in ("alike", "exchanged"):
        for track, rate in (("stable", 900), ("candidate", 300)):
            own = f'namespace="{namespace}",track="{track}"'
            edge, count = f'{own},envoy_http_conn_manager_prefix="grpc"', rate * elapsed_s
            for kind, share in (("2", 0.99), ("5", 0.01)):
                lines.append(
                    f'envoy_http_downstream_rq_xx{{{edge},envoy_response_code_class="{kind}"}} {share * count}'
                )
            for bound, share in _LATENCY_MS.items():
                lines.append(f'envoy_http_downstream_rq_time_bucket{{{edge},le="{bound}"}} {share * count}')
            odd = (namespace, track) == ("exchanged", "candidate")
            for name, share in (_EXCHANGED if odd else _CLASSES).items():
                lines.append(f'triptych_predictions_total{{{own},class="{name}"}} {share * count}')
            for bound, share in {"0.5": 0.2, "0.9": 0.6, "1": 1.0, "+Inf": 1.0}.items():
                lines.append(f'triptych_top_score_bucket{{{own},le="{bound}"}} {share * count}')
    return "\n".join(lines) + "\n"


@contextmanager
def _exporter() -> Iterator[int]:
    """Its port. At the end it is gone, and so are its series."""
    began = time.monotonic()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = _text(time.monotonic() - began).encode()
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


def _judged(source: Prometheus, namespace: str) -> Verdict:
    def window(track: str) -> Window:
        return Window(time.time(), _WINDOW_S, {"track": track, "release": "1", "namespace": namespace})

    candidate, stable = window("candidate"), window("stable")
    evidence = {rule.name: source.pair(rule, candidate=candidate, stable=stable) for rule in USUAL}
    return judge(USUAL, evidence, look=1, steps=4, least_samples=200)


def test_a_real_prometheus_tells_bad_from_equal_and_stale_from_both(layout: Layout, tmp_path: Path) -> None:
    debian = fetch_tools(layout.cache, say=print).debian
    with ExitStack() as stack:
        exporter = stack.enter_context(ExitStack())
        port = exporter.enter_context(_exporter())
        job = {"job_name": "tracks", "honor_labels": True, "static_configs": [{"targets": [f"127.0.0.1:{port}"]}]}
        configuration = {"global": {"scrape_interval": "1s"}, "scrape_configs": [job]}
        source = Prometheus(stack.enter_context(prometheus(debian, tmp_path, configuration)).url, stale_s=3.0)
        time.sleep(_WINDOW_S + 3)
        alike, exchanged, absent = (_judged(source, name) for name in ("alike", "exchanged", "nowhere"))
        exporter.close()
        time.sleep(4)
        rule = next(rule for rule in USUAL if rule.name == "errors")
        gone = source.measured(rule, Window(time.time(), _WINDOW_S, {"track": "stable", "namespace": "alike"}))
    print(f"case 28: a real Prometheus without the series: {absent.decision}; stopped: {gone}")
    print(f"case 29: equal: {alike.decision}, {alike.samples} samples; exchanged labels: {exchanged.decision}")
    assert alike.decision is Decision.PROMOTE, alike.why
    assert exchanged.decision is Decision.ABORT
    assert "classes" in exchanged.why
    assert absent.decision is Decision.HOLD
    assert isinstance(gone, NoData)
