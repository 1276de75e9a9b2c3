"""The objectives, and how fast their error budgets may burn, as tables."""

from dataclasses import dataclass
from typing import Final, Literal

MEMBERS: Final = "preprocess|classifier|postprocess"
"""Models behind the ensemble, as a pattern. The ensemble's own counters count each failure twice."""

GIVEN_UP: Final = "CANCELED|REJECTED"
"""Reasons of requests that did not succeed and did not fail, as a pattern: who left, and who was told to come later."""

EDGE_PORTS: Final = "http|grpc"
"""Where the edge takes requests for inference, as a pattern; it counts those for its metrics, too."""

FAILED_CALLS: Final = "2|4|13|14|15"
"""Statuses of gRPC that stand for a server's failure, as a pattern."""

EDGE_REQUESTS: Final = f'envoy_http_downstream_rq_xx{{envoy_http_conn_manager_prefix=~"{EDGE_PORTS}"}}'
"""Requests that the edge answered."""

EDGE_FAILED: Final = (
    '{__name__=~"envoy_http_downstream_rq_xx|envoy_cluster_grpc_ModelInfer",'
    f'envoy_http_conn_manager_prefix=~"|{EDGE_PORTS}",envoy_response_code_class=~"|5",grpc_status=~"|{FAILED_CALLS}"}}'
)
"""Those of them that failed: over HTTP by 5xx, over gRPC, where HTTP's status is always 200, by what 5xx stands for."""


def within(selector: str, matchers: str) -> str:
    """The selector, narrowed by further matchers."""
    return f"{selector.removesuffix('}')},{matchers}}}"


@dataclass(frozen=True, slots=True)
class Objective:
    """What share of events must be good, over a period.

    events:       a PromQL selector of counters
    failed:       a selector of those that were bad; with `failed_apart` they are not among `events`, but come on top
    good:         instead of `failed`: a selector of those that were good, such as a histogram's bucket
    """

    name: str
    kind: Literal["availability", "latency"]
    share: float
    events: str
    failed: str = ""
    good: str = ""
    failed_apart: bool = False
    period_days: int = 30

    @property
    def budget(self) -> float:
        """Share of events that may be bad."""
        return round(1 - self.share, 9)


@dataclass(frozen=True, slots=True)
class BurnRate:
    """How many times faster than the budget allows, over a long and a short window, makes an alert.

    The short window ends the alert soon after the trouble. Source: The Site Reliability Workbook, chapter 5, table 5-8.
    """

    severity: Literal["page", "ticket"]
    factor: float
    long: str
    short: str


BURN_RATES: Final = (
    BurnRate("page", 14.4, "1h", "5m"),  # 2 % of 30 days' budget in an hour
    BurnRate("page", 6, "6h", "30m"),  # 5 % in six hours
    BurnRate("ticket", 3, "1d", "2h"),  # 10 % in a day
    BurnRate("ticket", 1, "3d", "6h"),  # 10 % in three days
)

# Bounds of latency are buckets: Envoy's are in milliseconds, the others' in seconds.
OBJECTIVES: Final = (
    Objective(
        "members-availability",
        "availability",
        0.999,
        # Who gave up or was refused is not counted as failed here. What fails at a later member was a success of
        # preprocess, so that it counts twice below the line: all failing reads as a half.
        events='nv_inference_request_success{model="preprocess"}',
        failed=f'nv_inference_request_failure{{model=~"{MEMBERS}",reason!~"{GIVEN_UP}"}}',
        failed_apart=True,
    ),
    Objective(
        "edge-availability",
        "availability",
        0.999,
        events=EDGE_REQUESTS,
        failed=EDGE_FAILED,
    ),
    Objective(
        "edge-latency",
        "latency",
        0.99,
        events=f'envoy_http_downstream_rq_time_count{{envoy_http_conn_manager_prefix=~"{EDGE_PORTS}"}}',
        good=f'envoy_http_downstream_rq_time_bucket{{envoy_http_conn_manager_prefix=~"{EDGE_PORTS}",le="250"}}',
    ),
    Objective(
        "client-availability",
        "availability",
        0.999,
        events="triptych_client_calls_total",
        failed='triptych_client_calls_total{outcome=~"unavailable|deadline_exceeded|overloaded|protocol|server"}',
    ),
    Objective(
        "client-latency",
        "latency",
        0.99,
        events="triptych_client_call_duration_seconds_count",
        good='triptych_client_call_duration_seconds_bucket{le="0.25"}',
    ),
    Objective(
        "gateway-availability",
        "availability",
        0.999,
        events='triptych_gateway_requests_total{route=~"/classify|/embed"}',
        failed='triptych_gateway_requests_total{route=~"/classify|/embed",status=~"5.."}',
    ),
    Objective(
        "gateway-latency",
        "latency",
        0.99,
        events='triptych_gateway_request_duration_seconds_count{route=~"/classify|/embed"}',
        good='triptych_gateway_request_duration_seconds_bucket{route=~"/classify|/embed",le="0.25"}',
    ),
)
