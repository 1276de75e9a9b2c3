"""Metrics that a plan judges by, and those it has where it names none: what Triptych's servers and edge export."""

from enum import StrEnum
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from triptych_ops.monitoring.slo import EDGE_FAILED, EDGE_PORTS, EDGE_REQUESTS, within

PLACEHOLDERS: Final = ("track", "release", "namespace", "window")
"""`$track` and so on in queries. The window is the time since the step began, as 300s."""


class Kind(StrEnum):
    """How a metric is compared."""

    RATIO = "ratio"  # bad ones of all: query and `of`, one number each
    LATENCY = "latency"  # a histogram's quantile: query by (le)
    CLASSES = "classes"  # shares of classes: query by (class)
    SHAPE = "shape"  # a histogram's whole distribution: query by (le)


class _Table(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Condition(_Table):
    """How much worse is too much.

    The rollout goes back once the candidate is shown to be worse by more than `tolerance`, and goes on only once it is
    shown to be worse by less than `limit`. Between the two it holds. For ratios both are differences (0.01: one point),
    for latencies factors (1.25: a quarter slower), for distributions distances from 0 to 1.
    """

    tolerance: float = Field(ge=0)
    limit: float = Field(gt=0)

    @model_validator(mode="after")
    def _ordered(self) -> "Condition":
        if self.limit <= self.tolerance:
            raise ValueError(f"limit {self.limit:g} must be more than tolerance {self.tolerance:g}")
        return self


class MetricRule(_Table):
    """A metric, by which query it is measured, and what it must fulfil.

    of:        of a ratio, how many there are
    direction: whether less is better, or more; distributions are compared both ways
    quantile:  of a latency
    weight:    its part of the refusals of equal candidates, relative to the other metrics'
    """

    name: str = Field(pattern="^[a-z][a-z0-9_]*$")
    kind: Kind = Kind.RATIO
    query: str = Field(min_length=1)
    of: str | None = None
    condition: Condition
    direction: Literal["lower", "higher"] = "lower"
    quantile: float = Field(default=0.9, gt=0, lt=1)
    weight: float = Field(default=1.0, gt=0, le=1000)

    @model_validator(mode="after")
    def _whole(self) -> "MetricRule":
        if (self.kind is Kind.RATIO) != (self.of is not None):
            raise ValueError("a ratio needs `of`, the query of how many there are; other kinds have none")
        if self.kind is Kind.LATENCY and self.condition.tolerance < 1:
            raise ValueError(f"tolerance {self.condition.tolerance:g} of a latency is a factor: 1 or more, as 1.25")
        if self.kind is not Kind.LATENCY and self.condition.limit >= 1:
            raise ValueError(f"limit {self.condition.limit:g} of a {self.kind} must be below 1")
        if self.kind is not Kind.RATIO and self.direction == "higher":
            raise ValueError(f"direction is for ratios; a {self.kind} has one already")
        return self


_OF: Final = 'namespace="$namespace",track="$track"'
_EDGE: Final = f'envoy_http_conn_manager_prefix=~"{EDGE_PORTS}",{_OF}'


def _rule(name: str, kind: Kind, query: str, tolerance: float, limit: float, of: str | None = None) -> MetricRule:
    return MetricRule(name=name, kind=kind, query=query, of=of, condition=Condition(tolerance=tolerance, limit=limit))


def _sum(series: str, by: str = "") -> str:
    return f"sum{by}(increase({series}[$window]))"


# Triton counts an ensemble's failures and versions wrongly, so requests are counted at the edge. A track without one
# failure has no series of failures: it counts as 0 as long as there are requests.
_REQUESTS: Final = _sum(within(EDGE_REQUESTS, _OF))
_FAILED: Final = _sum(within(EDGE_FAILED, _OF))
_IMAGES: Final = _sum(f"triptych_predictions_total{{{_OF}}}")
_UNDECODABLE: Final = _sum(f"triptych_image_errors_total{{{_OF}}}")

USUAL: Final = (
    _rule("errors", Kind.RATIO, f"{_FAILED} or 0 * {_REQUESTS}", 0.01, 0.04, of=_REQUESTS),
    _rule("latency", Kind.LATENCY, _sum(f"envoy_http_downstream_rq_time_bucket{{{_EDGE}}}", " by (le) "), 1.25, 1.8),
    _rule(
        "undecodable",
        Kind.RATIO,
        f"{_UNDECODABLE} or 0 * {_IMAGES}",
        0.02,
        0.05,
        of=f"({_UNDECODABLE} or 0 * {_IMAGES}) + {_IMAGES}",
    ),
    _rule("classes", Kind.CLASSES, _sum(f"triptych_predictions_total{{{_OF}}}", " by (class) "), 0.1, 0.35),
    _rule("confidence", Kind.SHAPE, _sum(f"triptych_top_score_bucket{{{_OF}}}", " by (le) "), 0.1, 0.35),
)
"""By the edge's requests and by the model's own answers."""
