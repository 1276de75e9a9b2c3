"""One release against another, as they serve beside each other."""

from typing import Final

from ..slo import EDGE_FAILED, EDGE_PORTS, EDGE_REQUESTS, MEMBERS, within
from .panel import NAMESPACE, RATE, Dashboard, Kind, Panel, Query, Row, Variable

_RANGE = "$__range"
_BOTH = f'release=~"$baseline|$candidate",{NAMESPACE}'
_EDGE = f'envoy_http_conn_manager_prefix=~"{EDGE_PORTS}",{_BOTH}'
_REQUESTS = f"sum by (release) (rate({within(EDGE_REQUESTS, _BOTH)}[{RATE}]))"
_FAILED = f"sum by (release) (rate({within(EDGE_FAILED, _BOTH)}[{RATE}]))"
_IMAGES = f"sum by (release) (rate(triptych_predictions_total{{{_BOTH}}}[{RATE}]))"
_REJECTED = f"sum by (release) (rate(triptych_image_errors_total{{{_BOTH}}}[{RATE}]))"
_BY_RELEASE = "release {{release}}"


def _shares(series: str, label: str, variable: str, whole: str) -> str:
    """Shares of a release's images over the time that is shown, by label; `whole` selects all of them."""
    selector = f'release="{variable}",{NAMESPACE}'
    part = f"sum by ({label}) (increase({series}{{{selector}}}[{_RANGE}]))"
    return f"{part} / scalar(sum(increase({whole.format(selector=selector)}[{_RANGE}])))"


def _of_classes(variable: str) -> str:
    return _shares("triptych_predictions_total", "class", variable, "triptych_predictions_total{{{selector}}}")


def _below(variable: str) -> str:
    return _shares("triptych_top_score_bucket", "le", variable, "triptych_top_score_count{{{selector}}}")


def _quantile(share: float) -> Query:
    buckets = f"sum by (release, le) (rate(envoy_http_downstream_rq_time_bucket{{{_EDGE}}}[{RATE}]))"
    return Query(f"histogram_quantile({share:g}, {buckets})", f"release {{{{release}}}} p{share * 100:g}")


def _spent(part: str) -> Query:
    time = f'sum by (release, model) (rate(nv_inference_{part}_duration_us{{model=~"{MEMBERS}",{_BOTH}}}[{RATE}]))'
    requests = f'sum by (release, model) (rate(nv_inference_request_success{{model=~"{MEMBERS}",{_BOTH}}}[{RATE}]))'
    return Query(f"{time} / ({requests} > 0) / 1e6", "release {{release}} {{model}}")


_VERDICT = Row(
    "Differences, over the time that is shown",
    (
        Panel(
            title="Classes that moved",
            description="Half the sum of the differences of shares: 0 alike, 1 nothing in common.",
            queries=(Query(f"sum(abs({_of_classes('$candidate')} - {_of_classes('$baseline')})) / 2", "distance"),),
            unit="percentunit",
            kind=Kind.NUMBER,
            thresholds=(0.1, 0.35),
            width=6,
        ),
        Panel(
            title="Probabilities that moved",
            description="The largest difference of the two distributions, as Kolmogorov and Smirnov have it.",
            queries=(Query(f"max(abs({_below('$candidate')} - {_below('$baseline')}))", "distance"),),
            unit="percentunit",
            kind=Kind.NUMBER,
            thresholds=(0.1, 0.35),
            width=6,
        ),
        Panel(
            title="Classes that differ most",
            description="Share of the candidate less share of the baseline.",
            queries=(
                Query(
                    f"topk(12, abs({_of_classes('$candidate')} - {_of_classes('$baseline')}))",
                    "{{class}}",
                ),
            ),
            unit="percentunit",
            kind=Kind.BARS,
            thresholds=(0.05, 0.1),
            most=1,
            width=12,
        ),
    ),
)

_SERVICE = Row(
    "Service",
    (
        Panel(
            title="Images",
            description="A second.",
            queries=(Query(_IMAGES, _BY_RELEASE),),
            unit="ops",
        ),
        Panel(
            title="Failing",
            description="Share of the requests, at the edge.",
            queries=(Query(f"({_FAILED} or 0 * {_REQUESTS}) / ({_REQUESTS} > 0)", _BY_RELEASE),),
            unit="percentunit",
            thresholds=(0.001, 0.01),
        ),
        Panel(
            title="Latency",
            description="At the edge. Equal load is needed to compare: see images.",
            queries=(_quantile(0.5), _quantile(0.99)),
            unit="ms",
            thresholds=(250, 1000),
        ),
        Panel(
            title="Waiting",
            description="A request, at each member.",
            queries=(_spent("queue"),),
            unit="s",
        ),
        Panel(
            title="Computing",
            description="A request, at each member: what does not depend on the load so much.",
            queries=(_spent("compute_infer"),),
            unit="s",
        ),
        Panel(
            title="Batch",
            description="Images that the classifier computes at once.",
            queries=(
                Query(
                    f'sum by (release) (rate(nv_inference_count{{model="classifier",{_BOTH}}}[{RATE}]))'
                    f' / (sum by (release) (rate(nv_inference_exec_count{{model="classifier",{_BOTH}}}[{RATE}])) > 0)',
                    _BY_RELEASE,
                ),
            ),
            unit="none",
        ),
    ),
)

_ANSWERS = Row(
    "Answers",
    (
        Panel(
            title="Mean probability",
            description="Of the top class.",
            queries=(
                Query(
                    f"sum by (release) (rate(triptych_top_score_sum{{{_BOTH}}}[{RATE}]))"
                    f" / (sum by (release) (rate(triptych_top_score_count{{{_BOTH}}}[{RATE}])) > 0)",
                    _BY_RELEASE,
                ),
            ),
            unit="percentunit",
            most=1,
        ),
        Panel(
            title="Unsure",
            description="Share of the images whose top class has a probability of at most one half.",
            queries=(
                Query(
                    f'sum by (release) (rate(triptych_top_score_bucket{{le="0.5",{_BOTH}}}[{RATE}]))'
                    f" / (sum by (release) (rate(triptych_top_score_count{{{_BOTH}}}[{RATE}])) > 0)",
                    _BY_RELEASE,
                ),
            ),
            unit="percentunit",
            most=1,
        ),
        Panel(
            title="Images that cannot be classified",
            description="Share. Both get the same pictures, so that a difference is the release's.",
            queries=(Query(f"{_REJECTED} / ({_REJECTED} + {_IMAGES} > 0)", _BY_RELEASE),),
            unit="percentunit",
            thresholds=(0.05, 0.2),
        ),
        *(
            Panel(
                title=f"Classes of the {name}",
                description="The ten most frequent, images a second.",
                queries=(
                    Query(
                        "topk(10, sum by (class) (rate(triptych_predictions_total"
                        f'{{release="${name}",{NAMESPACE}}}[{RATE}])))',
                        "{{class}}",
                    ),
                ),
                unit="ops",
                stacked=True,
                width=12,
            )
            for name in ("baseline", "candidate")
        ),
    ),
)

RELEASES: Final = Dashboard(
    name="releases",
    title="Triptych: release against release",
    description="One release against another, as they serve beside each other.",
    variables=(
        Variable(label="namespace", name="namespace", text="Namespace"),
        Variable(label="release", name="baseline", text="Baseline", several=False),
        Variable(label="release", name="candidate", text="Candidate", several=False),
    ),
    rows=(_VERDICT, _SERVICE, _ANSWERS),
)
