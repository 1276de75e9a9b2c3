"""The usual metrics, asked of a real Prometheus that scrapes both tracks."""

import time
from contextlib import ExitStack
from pathlib import Path

from cluster.exporter import exporter
from cluster.layout import Layout
from cluster.prometheus import prometheus
from cluster.tools import fetch_tools
from triptych_ops.rollout.evidence import NoData
from triptych_ops.rollout.metrics import USUAL
from triptych_ops.rollout.prometheus import Prometheus, Window
from triptych_ops.rollout.verdict import Decision, Verdict, judge

_WINDOW_S = 8.0


def _judged(source: Prometheus, namespace: str) -> Verdict:
    def window(track: str) -> Window:
        return Window(time.time(), _WINDOW_S, {"track": track, "release": "1", "namespace": namespace})

    candidate, stable = window("candidate"), window("stable")
    evidence = {rule.name: source.pair(rule, candidate=candidate, stable=stable) for rule in USUAL}
    return judge(USUAL, evidence, look=1, steps=4, least_samples=200)


def test_a_real_prometheus_tells_bad_from_equal_and_stale_from_both(layout: Layout, tmp_path: Path) -> None:
    debian = fetch_tools(layout.cache, say=print).debian
    with ExitStack() as stack:
        exporting = stack.enter_context(ExitStack())
        port = exporting.enter_context(exporter({"alike": False, "exchanged": True}))
        job = {"job_name": "tracks", "honor_labels": True, "static_configs": [{"targets": [f"127.0.0.1:{port}"]}]}
        configuration = {"global": {"scrape_interval": "1s"}, "scrape_configs": [job]}
        source = Prometheus(stack.enter_context(prometheus(debian, tmp_path, configuration)).url, stale_s=3.0)
        time.sleep(_WINDOW_S + 3)
        alike, exchanged, absent = (_judged(source, name) for name in ("alike", "exchanged", "nowhere"))
        exporting.close()
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
