"""Alerts on causes and on what no objective covers, as a table. Each has a page of its name among the runbooks."""

from dataclasses import dataclass
from typing import Any, Final, Literal

from .signals import QUEUE_SECONDS
from .slo import MEMBERS
from .slo_rules import BUDGET_REMAINING


@dataclass(frozen=True, slots=True)
class Alert:
    """When to tell somebody, and in which words. `lasting`: how long it must hold first."""

    name: str
    expression: str
    lasting: str
    severity: Literal["critical", "warning"]
    summary: str

    def rule(self, *, runbooks: str) -> dict[str, Any]:
        """As Prometheus has it."""
        return {
            "alert": self.name,
            "expr": self.expression,
            "for": self.lasting,
            "labels": {"severity": self.severity},
            "annotations": {"summary": self.summary, "runbook_url": f"{runbooks}/{self.name}.md"},
        }


ALERTS: Final = (
    Alert(
        "TriptychHealthFailing",
        # Triton tells its metrics, and yet the known answer does not come.
        'kube_pod_container_status_ready{container="server"} == 0\n'
        "and on (namespace, pod)\n"
        'group by (namespace, pod) (nv_inference_request_success{model="image_classifier"})',
        "5m",
        "critical",
        "{{ $labels.pod }} runs, but does not classify the known image rightly",
    ),
    Alert(
        "TriptychStubDead",
        f'sum by (namespace, pod, model) (rate(nv_inference_request_failure{{model=~"{MEMBERS}",'
        'reason=~"BACKEND|OTHER"}[5m])) > 0\n'
        "and\n"
        f'sum by (namespace, pod, model) (rate(nv_inference_request_success{{model=~"{MEMBERS}"}}[5m])) == 0',
        "2m",
        "critical",
        "{{ $labels.model }} of {{ $labels.pod }} fails all that it is asked",
    ),
    Alert(
        "TriptychStuck",
        "min by (namespace, pod) (\n"
        '  min_over_time(nv_inference_pending_request_count{model="classifier"}[2m])\n'
        ") > 0\n"
        "and\n"
        'sum by (namespace, pod) (rate(nv_inference_request_success{model="classifier"}[2m])) == 0',
        "2m",
        "critical",
        "{{ $labels.pod }} has requests and finishes none; its liveness probe should have replaced it",
    ),
    Alert(
        "TriptychQueueing",
        f"avg by (namespace, track) ({QUEUE_SECONDS}) > 0.1",
        "10m",
        "warning",
        "{{ $labels.track }}: a request waits {{ $value | humanizeDuration }}; more pods are needed",
    ),
    Alert(
        "TriptychRejecting",
        "(\n"
        f'  sum by (namespace) (rate(nv_inference_request_failure{{model=~"{MEMBERS}",reason="REJECTED"}}[5m]))\n'
        "  / (\n"
        '    sum by (namespace) (rate(nv_inference_request_success{model="preprocess"}[5m]))\n'
        f'    + sum by (namespace) (rate(nv_inference_request_failure{{model=~"{MEMBERS}",reason="REJECTED"}}[5m]))\n'
        "    > 0\n"
        "  )\n"
        ") > 0.01",
        "5m",
        "warning",
        "{{ $value | humanizePercentage }} of the requests are refused for want of room",
    ),
    Alert(
        "TriptychNoTraffic",
        'sum by (namespace) (rate(nv_inference_request_success{model="preprocess"}[10m])) == 0\n'
        "and\n"
        'sum by (namespace) (rate(nv_inference_request_success{model="preprocess"}[1h] offset 30m)) > 0.1',
        "5m",
        "warning",
        "Nobody asks any more, and half an hour ago somebody did",
    ),
    Alert(
        "TriptychGone",
        'group by (namespace) (nv_inference_request_success{model="image_classifier"} offset 10m)\n'
        "unless\n"
        'group by (namespace) (nv_inference_request_success{model="image_classifier"})',
        "2m",
        "critical",
        "No server of {{ $labels.namespace }} tells its metrics any more",
    ),
    Alert(
        "TriptychCandidateWorse",
        '(triptych:failures:ratio_rate5m{track="candidate"} > 0.01)\n'
        "> on (namespace) group_left\n"
        '3 * max by (namespace) (triptych:failures:ratio_rate5m{track="stable"})',
        "5m",
        "warning",
        "Release {{ $labels.release }}, the candidate, fails {{ $value | humanizePercentage }}, far more than stable",
    ),
    Alert(
        "TriptychPredictionDrift",
        "triptych:predictions:drift > 0.3",
        "1h",
        "warning",
        "Release {{ $labels.release }}: {{ $value | humanizePercentage }} of the answers moved to other classes",
    ),
    Alert(
        "TriptychUndecodable",
        "triptych:image_errors:ratio_rate30m > 0.2",
        "15m",
        "warning",
        "Release {{ $labels.release }}: {{ $value | humanizePercentage }} of the images cannot be classified",
    ),
    Alert(
        "TriptychBudgetExhausted",
        f"{BUDGET_REMAINING} <= 0",
        "5m",
        "warning",
        "{{ $labels.sloth_slo }}: the error budget is spent; release nothing but repairs",
    ),
    Alert(
        "TriptychAtMaximum",
        'kube_horizontalpodautoscaler_status_current_replicas{horizontalpodautoscaler=~".*-stable"}\n'
        ">= on (namespace, horizontalpodautoscaler)\n"
        "kube_horizontalpodautoscaler_spec_max_replicas",
        "15m",
        "warning",
        "{{ $labels.horizontalpodautoscaler }} has as many pods as it may have",
    ),
    Alert(
        "TriptychGpuMemory",
        "nv_gpu_memory_used_bytes / nv_gpu_memory_total_bytes > 0.95",
        "15m",
        "warning",
        "{{ $labels.pod }}: {{ $value | humanizePercentage }} of the GPU's memory is taken",
    ),
    Alert(
        "TriptychCertificate",
        "min by (namespace, pod) (envoy_server_days_until_first_cert_expiring) < 14",
        "1h",
        "warning",
        "{{ $labels.pod }}: the edge's certificate ends in {{ $value }} days",
    ),
    Alert(
        "TriptychReleaseMismatch",
        # A member's version is the number of its release.
        "count by (namespace, track) (\n"
        '  group by (namespace, track, version) (nv_inference_request_success{model="classifier"})\n'
        ") > 1",
        "30m",
        "warning",
        "{{ $labels.track }} has had pods of {{ $value }} releases for half an hour",
    ),
)
