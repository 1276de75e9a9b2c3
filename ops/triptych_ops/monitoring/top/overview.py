"""What counters grew by -> what servers and edges do. Pure."""

import re
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple

from ..slo import EDGE_PORTS, FAILED_CALLS, GIVEN_UP, MEMBERS
from .counters import Growth
from .histogram import quantile

TOP_CLASSES: Final = 5

_MEMBERS: Final = tuple(MEMBERS.split("|"))
_FIRST, _CLASSIFIER = _MEMBERS[0], "classifier"
_NOT_FAILED: Final = tuple(GIVEN_UP.split("|"))
_FAILED_CALLS: Final = tuple(FAILED_CALLS.split("|"))
_EDGE_PORTS: Final = tuple(EDGE_PORTS.split("|"))


class Group(NamedTuple):
    """Whose counters are added: "" where nothing says it."""

    track: str
    release: str


@dataclass(frozen=True, slots=True)
class Served:
    """What the servers of one release do. Rates are by second; None where nothing was counted."""

    track: str
    release: str
    requests: float
    images: float
    failed: float | None
    """Share of requests that failed at a member."""
    queue_s: float | None
    """What a request waits at the member where it waits longest."""
    queue_at: str
    batch: float | None
    """Images in one run of the classifier."""
    run_s: float | None
    """What a run of the classifier takes."""
    refused: float | None
    """Share of images that could not be classified."""
    score: float | None
    """Mean probability of the best class."""
    classes: Mapping[str, float]
    """The most frequent of the best classes -> their share."""


@dataclass(frozen=True, slots=True)
class Edge:
    """What came to the edges of one release, by second; shares and times are None where nothing came."""

    track: str
    release: str
    requests: float
    failed: float | None
    p50_s: float | None
    p99_s: float | None


@dataclass(frozen=True, slots=True)
class Overview:
    """All of it, over so many seconds, from so many pages."""

    seconds: float
    targets: int
    served: tuple[Served, ...]
    edges: tuple[Edge, ...]


def overview(grown: Growth) -> Overview:
    """Rows by track and release, stable first."""
    groups = {_group(dict(labels)) for (name, labels), _ in grown.by.items() if name.startswith("nv_inference_")}
    edges = {_group(dict(labels)) for (name, labels), _ in grown.by.items() if name.startswith("envoy_http_")}
    return Overview(
        grown.seconds,
        grown.targets,
        tuple(_served(group, grown) for group in _sorted(groups)),
        tuple(_edge(group, grown) for group in _sorted(edges)),
    )


def _served(group: Group, grown: Growth) -> Served:
    requests = _by_model(grown, group, "nv_inference_request_success")
    failed = sum(
        value
        for labels, value in _of(grown, group, "nv_inference_request_failure")
        if labels.get("model") in _MEMBERS and labels.get("reason") not in _NOT_FAILED
    )
    queued = _by_model(grown, group, "nv_inference_queue_duration_us")
    waits = {member: queued[member] / 1e6 / requests[member] for member in _MEMBERS if requests[member]}
    runs = _by_model(grown, group, "nv_inference_exec_count")
    computed = _by_model(grown, group, "nv_inference_compute_infer_duration_us")[_CLASSIFIER]
    images = _by_model(grown, group, "nv_inference_count")[_CLASSIFIER]
    answered, classes = _classes(grown, group)
    refused = sum(value for _, value in _of(grown, group, "triptych_image_errors_total"))
    scored = sum(value for _, value in _of(grown, group, "triptych_top_score_count"))
    scores = sum(value for _, value in _of(grown, group, "triptych_top_score_sum"))
    slowest = max(waits, key=lambda member: waits[member], default="")
    return Served(
        track=group.track,
        release=group.release,
        requests=(requests[_FIRST] + failed) / grown.seconds,
        images=images / grown.seconds,
        failed=_share(failed, requests[_FIRST] + failed),
        queue_s=waits.get(slowest),
        queue_at=slowest,
        batch=_share(images, runs[_CLASSIFIER]),
        # Triton counts the time of a run for each of its requests.
        run_s=_share(computed / 1e6, requests[_CLASSIFIER]),
        refused=_share(refused, answered + refused),
        score=_share(scores, scored),
        classes=classes,
    )


def _classes(grown: Growth, group: Group) -> tuple[float, Mapping[str, float]]:
    """How many images were classified, and the shares of the most frequent classes."""
    counted: dict[str, float] = defaultdict(float)
    for labels, value in _of(grown, group, "triptych_predictions_total"):
        counted[labels.get("class", "")] += value
    total = sum(counted.values())
    most = sorted(((name, value) for name, value in counted.items() if value), key=lambda each: (-each[1], each[0]))
    return total, {name: value / total for name, value in most[:TOP_CLASSES]}


def _edge(group: Group, grown: Growth) -> Edge:
    answered = _of_ports(grown, group, "envoy_http_downstream_rq_xx")
    requests = sum(value for _, value in answered)
    failed = sum(value for labels, value in answered if labels.get("envoy_response_code_class") == "5") + sum(
        value
        for labels, value in _of(grown, group, "envoy_cluster_grpc_ModelInfer")
        if labels.get("grpc_status") in _FAILED_CALLS
    )
    buckets: dict[float, float] = defaultdict(float)
    for labels, value in _of_ports(grown, group, "envoy_http_downstream_rq_time_bucket"):
        buckets[float(labels["le"]) / 1000] += value  # Envoy's are in milliseconds
    return Edge(
        group.track,
        group.release,
        requests / grown.seconds,
        _share(failed, requests),
        quantile(buckets, 0.5),
        quantile(buckets, 0.99),
    )


def _of(grown: Growth, group: Group, name: str) -> list[tuple[dict[str, str], float]]:
    return [(labels, value) for labels, value in grown.of(name) if _group(labels) == group]


def _of_ports(grown: Growth, group: Group, name: str) -> list[tuple[dict[str, str], float]]:
    """Of requests for inference, not those of metrics."""
    found = _of(grown, group, name)
    return [each for each in found if each[0].get("envoy_http_conn_manager_prefix") in _EDGE_PORTS]


def _by_model(grown: Growth, group: Group, name: str) -> Mapping[str, float]:
    found: dict[str, float] = defaultdict(float)
    for labels, value in _of(grown, group, name):
        found[labels.get("model", "")] += value
    return found


def _group(labels: Mapping[str, str]) -> Group:
    """Of a server that nobody labels its models' version is the release."""
    return Group(labels.get("track", ""), labels.get("release") or labels.get("version", ""))


def _sorted(groups: set[Group]) -> list[Group]:
    return sorted(groups, key=lambda each: (each.track != "stable", each.track, _number(each.release)))


def _number(release: str) -> tuple[int, str]:
    return (int(release), "") if re.fullmatch(r"\d+", release) else (0, release)


def _share(part: float, whole: float) -> float | None:
    return part / whole if whole else None
