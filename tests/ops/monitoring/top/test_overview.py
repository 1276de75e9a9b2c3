"""What counters grew by, and what that says of servers and edges."""

import math
from collections.abc import Mapping

import pytest

from triptych_ops.monitoring.top import Counters, Group, growth, overview
from triptych_ops.monitoring.top.counters import Series
from triptych_ops.monitoring.top.histogram import quantile

SECONDS = 10.0


def series(name: str, /, **labels: str) -> Series:
    return name, frozenset(labels.items())


def counters(at_s: float, **values: float) -> Counters:
    return Counters(at_s, {series(name, pod="a"): value for name, value in values.items()})


def server(
    pod: str, labels: Mapping[str, str], *, images: float, waited_us: float = 0, failed: float = 0
) -> dict[Series, float]:
    """A server's counters: batches of two, 20 ms each."""
    found = {}
    for model in ("preprocess", "classifier", "postprocess", "image_classifier"):
        of = {"pod": pod, "model": model, **labels}
        found[series("nv_inference_request_success", **of)] = images
        found[series("nv_inference_count", **of)] = images
        found[series("nv_inference_exec_count", **of)] = images / 2
        found[series("nv_inference_queue_duration_us", **of)] = waited_us if model == "classifier" else 0
        found[series("nv_inference_compute_infer_duration_us", **of)] = 20_000 * images
        failures = failed if model in ("classifier", "image_classifier") else 0
        found[series("nv_inference_request_failure", **of, reason="BACKEND")] = failures
        found[series("nv_inference_request_failure", **of, reason="CANCELED")] = failed
    return found


def test_a_counter_that_fell_began_anew() -> None:
    grown = growth(counters(0, calls=100, others=5), counters(2, calls=30, others=7))
    assert {name: value for (name, _), value in grown.by.items()} == {"calls": 30, "others": 2}


def test_one_that_is_new_began_at_zero_but_not_one_of_a_new_pod() -> None:
    before = counters(0, calls=100)
    after = Counters(2, {**counters(2, calls=100, failures=3).values, series("calls", pod="b"): 5000})
    assert growth(before, after).by == {series("calls", pod="a"): 0, series("failures", pod="a"): 3}


@pytest.mark.parametrize(("share", "value"), [(0.25, 5.0), (0.5, 10.0), (0.7, 15.0), (0.9, 20.0), (1.0, 20.0)])
def test_quantiles_are_linear_within_a_bucket_and_end_at_the_last_bound(share: float, value: float) -> None:
    buckets = {10.0: 5.0, 20.0: 9.0, math.inf: 10.0}
    assert quantile(buckets, share) == pytest.approx(value)


def test_nothing_counted_has_no_quantile() -> None:
    assert quantile({10.0: 0.0, math.inf: 0.0}, 0.5) is None
    assert quantile({}, 0.5) is None


def test_pods_of_a_track_are_one_row_and_stable_comes_first() -> None:
    stable, candidate = ({"track": name, "release": number} for name, number in (("stable", "9"), ("candidate", "10")))
    before = server("a", stable, images=0) | server("b", stable, images=0) | server("c", candidate, images=0)
    after = (
        server("a", stable, images=100, waited_us=100 * 30_000)
        | server("b", stable, images=300, waited_us=300 * 70_000)
        | server("c", candidate, images=20, failed=5)
    )
    found = overview(growth(Counters(0, before), Counters(SECONDS, after)))
    assert found.targets == 3
    first, second = found.served
    assert (first.track, first.release, first.requests, first.images) == ("stable", "9", 40, 40)
    assert first.queue_at == "classifier"
    assert [first.queue_s, first.batch, first.failed, first.run_s] == pytest.approx([0.06, 2, 0, 0.02])
    assert (second.track, second.images, second.queue_s) == ("candidate", 2, 0)
    assert second.failed == pytest.approx(5 / 25)  # neither twice, by the ensemble, nor those who gave up


def test_without_labels_of_a_scrape_the_version_is_the_release() -> None:
    pages = [server("a", {"version": "7"}, images=images) for images in (0, 10)]
    [row] = overview(growth(*(Counters(at, page) for at, page in zip((0, 1), pages, strict=True)))).served
    assert (row.track, row.release) == Group("", "7")


def test_classes_and_refused_images_are_shares_of_all() -> None:
    answers = {
        series("triptych_predictions_total", pod="a", release="7", **{"class": name}): count
        for name, count in {"cat": 60.0, "dog": 30.0, "cow": 0.0}.items()
    }
    answers[series("triptych_image_errors_total", pod="a", release="7", code="corrupt_image")] = 10
    answers[series("triptych_top_score_sum", pod="a", release="7")] = 72
    answers[series("triptych_top_score_count", pod="a", release="7")] = 90
    after = server("a", {"release": "7"}, images=90) | answers
    [row] = overview(growth(Counters(0, dict.fromkeys(after, 0.0)), Counters(SECONDS, after))).served
    assert row.classes == pytest.approx({"cat": 2 / 3, "dog": 1 / 3})
    assert [row.refused, row.score] == pytest.approx([0.1, 0.8])


def test_an_edge_counts_calls_that_fail_over_grpc_too_and_not_its_own_metrics() -> None:
    http, grpc, metrics = ({"pod": "a", "envoy_http_conn_manager_prefix": name} for name in ("http", "grpc", "metrics"))
    after = {
        series("envoy_http_downstream_rq_xx", **http, envoy_response_code_class="2"): 60.0,
        series("envoy_http_downstream_rq_xx", **http, envoy_response_code_class="5"): 4.0,
        series("envoy_http_downstream_rq_xx", **grpc, envoy_response_code_class="2"): 36.0,
        series("envoy_http_downstream_rq_xx", **metrics, envoy_response_code_class="2"): 1000.0,
        series("envoy_cluster_grpc_ModelInfer", pod="a", grpc_status="0"): 30.0,
        series("envoy_cluster_grpc_ModelInfer", pod="a", grpc_status="14"): 6.0,
        **{
            series("envoy_http_downstream_rq_time_bucket", **http, le=le): count
            for le, count in {"50": 50.0, "100": 99.0, "+Inf": 100.0}.items()
        },
    }
    [edge] = overview(growth(Counters(0, dict.fromkeys(after, 0.0)), Counters(SECONDS, after))).edges
    assert [edge.requests, edge.failed, edge.p50_s, edge.p99_s] == pytest.approx([10, 0.1, 0.05, 0.1])


def test_idle_servers_are_rows_without_shares() -> None:
    page = server("a", {"version": "7"}, images=50)
    [row] = overview(growth(Counters(0, page), Counters(SECONDS, page))).served
    assert (row.requests, row.failed, row.queue_s, row.batch, row.score) == (0, None, None, None, None)
