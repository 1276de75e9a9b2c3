"""Whether people are served, and with which answers."""

from typing import Final

from ..slo import EDGE_FAILED, EDGE_PORTS, EDGE_REQUESTS, MEMBERS, within
from ..slo_rules import BUDGET_REMAINING
from .panel import CHOICES, NAMESPACE, RATE, SERVED, Dashboard, Kind, Panel, Query, Row, Source

_EDGE = f'envoy_http_conn_manager_prefix=~"{EDGE_PORTS}",{SERVED}'
_GATEWAY = f'route=~"/classify|/embed",{NAMESPACE}'
_REQUESTS = f"sum(rate({within(EDGE_REQUESTS, SERVED)}[{RATE}]))"
_FAILED = f"sum(rate({within(EDGE_FAILED, SERVED)}[{RATE}]))"
_IMAGES = f"rate(triptych_predictions_total{{{SERVED}}}[{RATE}])"
_REJECTED = f"rate(triptych_image_errors_total{{{SERVED}}}[{RATE}])"
_SUCCESS = f'sum by (model) (rate(nv_inference_request_success{{model=~"{MEMBERS}",{SERVED}}}[{RATE}]))'


def _quantile(share: float) -> Query:
    buckets = f"sum by (le) (rate(envoy_http_downstream_rq_time_bucket{{{_EDGE}}}[{RATE}]))"
    return Query(f"histogram_quantile({share:g}, {buckets})", f"p{share * 100:g}")


def _member_seconds(part: str) -> Query:
    spent = f'sum by (model) (rate(nv_inference_{part}_duration_us{{model=~"{MEMBERS}",{SERVED}}}[{RATE}]))'
    return Query(f"{spent} / ({_SUCCESS} > 0) / 1e6", f"{{{{model}}}} {part.rpartition('_')[2]}")


_OBJECTIVES = Row(
    "Objectives",
    (
        Panel(
            title="Error budget left",
            description="Of 30 days. Below 0 the objective is missed: release nothing but repairs.",
            queries=(Query(f"{BUDGET_REMAINING}{{{NAMESPACE}}}", "{{sloth_slo}}"),),
            unit="percentunit",
            kind=Kind.BARS,
            thresholds=(0, 0.25),
            falling=True,
            least=-1,
            most=1,
        ),
        Panel(
            title="Burn rate",
            description="How many times faster than 30 days allow the budget is spent: 14.4 for an hour is a page.",
            queries=(Query(f"slo:current_burn_rate:ratio{{{NAMESPACE}}}", "{{sloth_slo}}"),),
            unit="none",
            thresholds=(1, 14.4),
        ),
        Panel(
            title="Alerts that fire",
            description="Triptych's. Each has a runbook, named in its annotations.",
            queries=(
                Query(
                    f'count(ALERTS{{alertname=~"Triptych.*",alertstate="firing",{NAMESPACE}}}) or vector(0)', "alerts"
                ),
            ),
            unit="none",
            kind=Kind.NUMBER,
            thresholds=(1,),
            width=4,
        ),
        Panel(
            title="Releases",
            description="Pods that tell their metrics, by track and release.",
            queries=(
                Query(
                    "count by (track, release) (group by (namespace, pod, track, release) "
                    f'(nv_inference_request_success{{model="preprocess",{SERVED}}}))',
                    "{{track}} {{release}}",
                ),
            ),
            unit="none",
            kind=Kind.NUMBER,
            width=4,
        ),
    ),
)

_TRAFFIC = Row(
    "Requests, at the edge",
    (
        Panel(
            title="Requests",
            description="A second. Health probes do not pass the edge.",
            queries=(Query(_REQUESTS, "requests"),),
            unit="reqps",
            kind=Kind.NUMBER,
            width=4,
        ),
        Panel(
            title="Images",
            description="Classified in a second.",
            queries=(Query(f"sum({_IMAGES})", "images"),),
            unit="ops",
            kind=Kind.NUMBER,
            width=4,
        ),
        Panel(
            title="Failing",
            description="Share of the requests: 5xx over HTTP, and over gRPC what 5xx stands for.",
            queries=(Query(f"({_FAILED} or 0 * {_REQUESTS}) / ({_REQUESTS} > 0)", "failing"),),
            unit="percentunit",
            kind=Kind.NUMBER,
            thresholds=(0.001, 0.01),
            width=4,
        ),
        Panel(
            title="Slower than 250 ms",
            description="Share of the requests; the objective is 1 %.",
            queries=(
                Query(
                    f'1 - sum(rate(envoy_http_downstream_rq_time_bucket{{le="250",{_EDGE}}}[{RATE}]))'
                    f" / (sum(rate(envoy_http_downstream_rq_time_count{{{_EDGE}}}[{RATE}])) > 0)",
                    "slow",
                ),
            ),
            unit="percentunit",
            kind=Kind.NUMBER,
            thresholds=(0.01, 0.05),
            width=4,
        ),
        Panel(
            title="Under way",
            description="Requests without their whole answer. From edge.maxConcurrent on the edge says 429.",
            queries=(Query(f"sum(envoy_http_downstream_rq_active{{{_EDGE}}})", "requests"),),
            unit="none",
            kind=Kind.NUMBER,
            width=4,
        ),
        Panel(
            title="Refused",
            description="Requests a second that the edge sent back because too many were under way.",
            queries=(
                Query(
                    "sum(rate(envoy_cluster_upstream_rq_pending_overflow"
                    f'{{envoy_cluster_name="triton",{SERVED}}}[{RATE}]))',
                    "refused",
                ),
            ),
            unit="reqps",
            kind=Kind.NUMBER,
            thresholds=(0.01, 1),
            width=4,
        ),
        Panel(
            title="Latency",
            description="From a request's head to the end of its answer. The objective: 99 % within 250 ms.",
            queries=(_quantile(0.5), _quantile(0.9), _quantile(0.99)),
            unit="ms",
            thresholds=(250, 1000),
        ),
        Panel(
            title="Answers by status",
            description="HTTP's classes, and the codes of gRPC: 3 a bad image, 8 too busy, 13 and 14 failures.",
            queries=(
                Query(
                    "sum by (envoy_response_code_class) (rate(envoy_http_downstream_rq_xx"
                    f'{{envoy_http_conn_manager_prefix="http",{SERVED}}}[{RATE}]))',
                    "HTTP {{envoy_response_code_class}}xx",
                ),
                Query(
                    f"sum by (grpc_status) (rate(envoy_cluster_grpc_ModelInfer{{{SERVED}}}[{RATE}]))",
                    "gRPC {{grpc_status}}",
                ),
            ),
            unit="reqps",
            stacked=True,
        ),
        Panel(
            title="Time at each member",
            description="Waiting and computing, a request. What waits most is the bottleneck.",
            queries=(_member_seconds("queue"), _member_seconds("compute_infer")),
            unit="s",
            stacked=True,
        ),
        Panel(
            title="Failures inside",
            description="Of Triton's members, by reason. OTHER of preprocess are requests without any good image.",
            queries=(
                Query(
                    "sum by (model, reason) "
                    f'(rate(nv_inference_request_failure{{model=~"{MEMBERS}",{SERVED}}}[{RATE}]))',
                    "{{model}} {{reason}}",
                ),
            ),
            unit="reqps",
        ),
        Panel(
            title="Calls of applications",
            description="As they see them, retries and all, by how they ended.",
            queries=(
                Query(
                    f"sum by (outcome) (rate(triptych_client_calls_total{{{NAMESPACE}}}[{RATE}]))",
                    "{{outcome}}",
                    Source.CLIENTS,
                ),
            ),
            unit="ops",
            stacked=True,
        ),
        Panel(
            title="Requests of the gateway",
            description="By status.",
            queries=(
                Query(
                    f"sum by (status) (rate(triptych_gateway_requests_total{{{_GATEWAY}}}[{RATE}]))",
                    "{{status}}",
                    Source.GATEWAY,
                ),
            ),
            unit="reqps",
            stacked=True,
        ),
    ),
)

_ANSWERS = Row(
    "Answers",
    (
        Panel(
            title="Classes",
            description="The ten most frequent, images a second. Of more than 64, neighbours are taken together.",
            queries=(Query(f"topk(10, sum by (class) ({_IMAGES}))", "{{class}}"),),
            unit="ops",
            stacked=True,
        ),
        Panel(
            title="Probability of the top class",
            description="Images by how sure the answer was. A shift downwards is the first sign of other pictures.",
            queries=(Query(f"sum by (le) (increase(triptych_top_score_bucket{{{SERVED}}}[{RATE}]))", "{{le}}"),),
            unit="none",
            kind=Kind.HEATMAP,
        ),
        Panel(
            title="Mean probability",
            description="Of the top class, by release.",
            queries=(
                Query(
                    f"sum by (release) (rate(triptych_top_score_sum{{{SERVED}}}[{RATE}]))"
                    f" / (sum by (release) (rate(triptych_top_score_count{{{SERVED}}}[{RATE}])) > 0)",
                    "release {{release}}",
                ),
            ),
            unit="percentunit",
            most=1,
        ),
        Panel(
            title="Images that cannot be classified",
            description="Share by reason: what callers send, but for not_finite, which is the network's own fault.",
            queries=(
                Query(
                    f"sum by (code) ({_REJECTED}) / ignoring (code) group_left ()"
                    f" (sum({_REJECTED}) + sum({_IMAGES}) > 0)",
                    "{{code}}",
                ),
            ),
            unit="percentunit",
            thresholds=(0.05, 0.2),
        ),
        Panel(
            title="Drift of the classes",
            description="How much of the last hour's answers moved to other classes since the day before. 0.3 alerts.",
            queries=(Query(f"triptych:predictions:drift{{{NAMESPACE}}}", "release {{release}}", Source.HISTORY),),
            unit="percentunit",
            thresholds=(0.15, 0.3),
            most=1,
        ),
    ),
)

OVERVIEW: Final = Dashboard(
    name="overview",
    title="Triptych: overview",
    description="Whether people are served, and with which answers.",
    variables=CHOICES,
    rows=(_OBJECTIVES, _TRAFFIC, _ANSWERS),
)
