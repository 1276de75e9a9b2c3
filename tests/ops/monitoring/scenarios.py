"""What Prometheus has seen, minute by minute: for each alert a time before, a bad time, and a time after."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

Series: TypeAlias = Mapping[str, str]
"""The values of each series, as promtool writes them."""

POD = 'namespace="shop",pod="a",track="stable",release="1"'
CANDIDATE = 'namespace="shop",pod="c",track="candidate",release="2"'


def counter(*phases: tuple[float, int], start: float = 0) -> str:
    """A counter: what it grows by in a minute, and for how many minutes."""
    parts = []
    for slope, minutes in phases:
        parts.append(f"{start:g}+{slope:g}x{minutes - 1}")
        start += slope * minutes
    return " ".join(parts)


def gauge(*phases: tuple[float | None, int]) -> str:
    """A gauge: its value, or None where there is no sample, and for how many minutes."""
    return " ".join(f"_x{minutes}" if value is None else f"{value:g}x{minutes - 1}" for value, minutes in phases)


@dataclass(frozen=True, slots=True)
class Scenario:
    """Series of which the middle value is bad: (slope or value before and after, in the bad time)."""

    counters: Mapping[str, tuple[float, float]]
    gauges: Mapping[str, tuple[float | None, float | None]]
    before: int = 120
    bad: int = 20
    after: int = 30

    def series(self) -> Series:
        """As promtool takes them."""
        counted = {
            name: counter((well, self.before), (bad, self.bad), (well, self.after))
            for name, (well, bad) in self.counters.items()
        }
        told = {
            name: gauge((well, self.before), (bad, self.bad), (well, self.after))
            for name, (well, bad) in self.gauges.items()
        }
        return counted | told


def _success(model: str, where: str = POD) -> str:
    return f'nv_inference_request_success{{model="{model}",version="1",{where}}}'


def _failure(model: str, reason: str, where: str = POD) -> str:
    return f'nv_inference_request_failure{{model="{model}",reason="{reason}",version="1",{where}}}'


_SECOND_RELEASE = f'nv_inference_request_success{{model="classifier",version="2",{POD}}}'
_PENDING = f'nv_inference_pending_request_count{{model="classifier",{POD}}}'
_HPA = 'namespace="shop",horizontalpodautoscaler="triptych-stable"'
_CLASS = 'triptych_predictions_total{namespace="shop",release="1",class="%s"}'

ALERTS: Mapping[str, Scenario] = {
    "TriptychHealthFailing": Scenario(
        {_success("image_classifier"): (60, 60)},
        {'kube_pod_container_status_ready{container="server",namespace="shop",pod="a"}': (1, 0)},
    ),
    "TriptychStubDead": Scenario({_success("classifier"): (60, 0), _failure("classifier", "OTHER"): (0, 60)}, {}),
    "TriptychStuck": Scenario({_success("classifier"): (60, 0)}, {_PENDING: (0, 5)}),
    "TriptychQueueing": Scenario(
        {
            _success("classifier"): (60, 60),
            f'nv_inference_queue_duration_us{{model="classifier",version="1",{POD}}}': (60 * 1e4, 60 * 5e5),
        },
        {},
    ),
    "TriptychRejecting": Scenario({_success("preprocess"): (60, 0), _failure("preprocess", "REJECTED"): (0, 60)}, {}),
    "TriptychNoTraffic": Scenario({_success("preprocess"): (60, 0)}, {}, bad=30),
    "TriptychGone": Scenario({}, {_success("image_classifier"): (7, None)}, bad=13),
    "TriptychCandidateWorse": Scenario(
        {
            _success("preprocess"): (600, 600),
            _failure("classifier", "OTHER"): (0.6, 0.6),
            _success("preprocess", CANDIDATE): (60, 0),
            _failure("preprocess", "OTHER", CANDIDATE): (0, 60),
        },
        {},
    ),
    "TriptychPredictionDrift": Scenario(
        {_CLASS % "cat": (60, 0), _CLASS % "dog": (0, 60)}, {}, before=600, bad=150, after=120
    ),
    "TriptychUndecodable": Scenario(
        {_CLASS % "cat": (60, 60), 'triptych_image_errors_total{namespace="shop",release="1",code="x"}': (0, 60)},
        {},
        bad=60,
        after=60,
    ),
    "TriptychBudgetExhausted": Scenario(
        {}, {'slo:period_error_budget_remaining:ratio{namespace="shop",sloth_slo="x"}': (0.5, -0.1)}
    ),
    "TriptychAtMaximum": Scenario(
        {},
        {
            f"kube_horizontalpodautoscaler_status_current_replicas{{{_HPA}}}": (2, 10),
            f"kube_horizontalpodautoscaler_spec_max_replicas{{{_HPA}}}": (10, 10),
        },
        bad=30,
    ),
    "TriptychGpuMemory": Scenario(
        {},
        {f"nv_gpu_memory_used_bytes{{{POD}}}": (5e9, 9.8e9), f"nv_gpu_memory_total_bytes{{{POD}}}": (1e10, 1e10)},
        bad=30,
    ),
    "TriptychCertificate": Scenario({}, {f"envoy_server_days_until_first_cert_expiring{{{POD}}}": (60, 5)}, bad=90),
    "TriptychReleaseMismatch": Scenario({_success("classifier"): (60, 60)}, {_SECOND_RELEASE: (None, 60)}, bad=45),
}

_EDGE = 'envoy_http_conn_manager_prefix="grpc",namespace="shop",pod="a"'
_CALLS = 'client="default",operation="classify",namespace="shop"'
_GATEWAY = 'route="/classify",namespace="shop"'
BURNING: Mapping[str, Mapping[str, tuple[float, float]]] = {
    "members-availability": {_success("preprocess"): (600, 600), _failure("preprocess", "OTHER"): (0, 60)},
    "edge-availability": {
        f'envoy_http_downstream_rq_xx{{envoy_response_code_class="2",{_EDGE}}}': (600, 600),
        'envoy_cluster_grpc_ModelInfer{grpc_status="14",namespace="shop",pod="a"}': (0, 60),
    },
    "edge-latency": {
        f"envoy_http_downstream_rq_time_count{{{_EDGE}}}": (600, 600),
        f'envoy_http_downstream_rq_time_bucket{{le="250",{_EDGE}}}': (600, 300),
    },
    "client-availability": {
        f'triptych_client_calls_total{{outcome="ok",{_CALLS}}}': (600, 540),
        f'triptych_client_calls_total{{outcome="unavailable",{_CALLS}}}': (0, 60),
    },
    "client-latency": {
        f"triptych_client_call_duration_seconds_count{{{_CALLS}}}": (600, 600),
        f'triptych_client_call_duration_seconds_bucket{{le="0.25",{_CALLS}}}': (600, 300),
    },
    "gateway-availability": {
        f'triptych_gateway_requests_total{{method="POST",status="200",{_GATEWAY}}}': (600, 540),
        f'triptych_gateway_requests_total{{method="POST",status="502",{_GATEWAY}}}': (0, 60),
    },
    "gateway-latency": {
        f"triptych_gateway_request_duration_seconds_count{{{_GATEWAY}}}": (600, 600),
        f'triptych_gateway_request_duration_seconds_bucket{{le="0.25",{_GATEWAY}}}': (600, 300),
    },
}
"""Objectives: every series, (in a minute when well, when bad)."""


def _pods(*values: str) -> Series:
    """A pod for each, with every counter of the server's that alerts read."""
    series: dict[str, str] = {}
    for pod, value in zip("abc", values, strict=False):
        where = POD.replace('pod="a"', f'pod="{pod}"')
        for model in ("image_classifier", "preprocess", "classifier", "postprocess"):
            series[_success(model, where)] = value
            series[f'nv_inference_queue_duration_us{{model="{model}",version="1",{where}}}'] = value
            series[_failure(model, "OTHER", where)] = counter((0, 240))
        series[f'nv_inference_pending_request_count{{model="classifier",{where}}}'] = gauge((0, 240))
    return series


QUIET: Mapping[str, Series] = {
    "never any traffic": _pods(counter((0, 240)), counter((0, 240))),
    "counters begin anew": _pods(counter((60, 120)) + " " + counter((60, 120)), counter((60, 240))),
    "a pod goes": _pods(counter((60, 120)) + " _x120", counter((60, 240))),
    "a pod comes": _pods("_x120 " + counter((60, 120)), counter((60, 240))),
}
"""Nothing of this may alert. 240 minutes."""
