"""What alerts, dashboards and autoscaling read: recorded once, by release or by pod."""

from typing import Any, Final

from .slo import GIVEN_UP, MEMBERS

QUEUE_SECONDS: Final = "triptych:queue_seconds_per_request:rate2m"
"""Seconds that a request waited at the member where it waits longest, by namespace, track and pod: what to scale by."""

IMAGES: Final = "triptych:images:rate2m"
"""Images classified in a second, by namespace, track and pod: the other one, against what a load test found."""

_RELEASE = "namespace, track, release"
_POD = "namespace, track, pod"
_QUEUED = f'sum by ({_POD}, model) (rate(nv_inference_queue_duration_us{{model=~"{MEMBERS}"}}[2m]))'
_ANSWERED = f'sum by ({_POD}, model) (rate(nv_inference_request_success{{model=~"{MEMBERS}"}}[2m]))'
_FAILED = f'nv_inference_request_failure{{model=~"{MEMBERS}",reason!~"{GIVEN_UP}"}}'
_EVENTS = 'nv_inference_request_success{model="preprocess"}'

_EXPRESSIONS: Final = {
    # Zero, not nothing, for a pod without work: else nothing would scale it down.
    QUEUE_SECONDS: f"max by ({_POD}) (\n  {_QUEUED}\n  / ({_ANSWERED} > 0)\n  / 1e6\n  or 0 * {_ANSWERED}\n)",
    IMAGES: f'sum by ({_POD}) (rate(nv_inference_count{{model="classifier"}}[2m]))',
    "triptych:requests:rate5m": f"sum by ({_RELEASE}) (rate({_EVENTS}[5m]))",
    "triptych:failures:rate5m": f"sum by ({_RELEASE}) (rate({_FAILED}[5m]))",
    "triptych:failures:ratio_rate5m": (
        "triptych:failures:rate5m\n/ (triptych:requests:rate5m + triptych:failures:rate5m > 0)"
    ),
    "triptych:predictions:share1h": (
        "sum by (namespace, release, class) (rate(triptych_predictions_total[1h]))\n"
        "/ on (namespace, release) group_left ()\n"
        "(sum by (namespace, release) (rate(triptych_predictions_total[1h])) > 0)"
    ),
    # Total variation between the last hour's classes and those of the day before it: 0 the same, 1 nothing in common.
    "triptych:predictions:drift": (
        "sum by (namespace, release) (\n"
        "  abs(\n"
        "    triptych:predictions:share1h\n"
        "    - avg_over_time(triptych:predictions:share1h[1d] offset 1h)\n"
        "  )\n"
        ") / 2"
    ),
    "triptych:image_errors:ratio_rate30m": (
        "sum by (namespace, release) (rate(triptych_image_errors_total[30m]))\n"
        "/ (\n"
        "  sum by (namespace, release) (rate(triptych_image_errors_total[30m]))\n"
        "  + sum by (namespace, release) (rate(triptych_predictions_total[30m]))\n"
        "  > 0\n"
        ")"
    ),
}


def recording_rules() -> list[dict[str, Any]]:
    """A rule for each; later ones read earlier ones."""
    return [{"record": name, "expr": expression} for name, expression in _EXPRESSIONS.items()]
