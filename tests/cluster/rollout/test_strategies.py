"""By replicas, blue-green and in the shadow: what requests can meet on the way, and how it ends."""

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from cluster.cluster import is_own
from cluster.exporter import exporter
from cluster.kubectl import Kubectl
from cluster.layout import Layout
from cluster.prometheus import prometheus
from cluster.tools import fetch_tools
from cluster.tracks import NAME, Tracks, backends, steps
from triptych_ops.rollout.cluster import Access

STABLE_PODS = 2
_EVERY_S = 0.1
_CLASSES = "/apis/gateway.networking.k8s.io/v1/gatewayclasses"


class Seen(NamedTuple):
    """What requests could meet at a moment: pods of each track behind the common Service, the routes."""

    stable: int
    candidate: int
    weights: tuple[int, ...] = ()
    mirrors: int = 0


class Watched:
    """What differs from one look to the next, from when this is entered until it is left."""

    def __init__(self, tracks: Tracks, *, routed: bool = True) -> None:
        self._access = Access.from_kubeconfig(tracks.kubeconfig())
        self._namespace = tracks.kubectl.namespace
        self._kinds = ("httproutes", "grpcroutes") if routed else ()
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._watch)
        self.seen: list[Seen] = []

    def __enter__(self) -> "Watched":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._done.wait(_EVERY_S):
            found = self._look()
            if self.seen[-1:] != [found]:
                self.seen.append(found)

    def _look(self) -> Seen:
        at = f"/apis/discovery.k8s.io/v1/namespaces/{self._namespace}/endpointslices"
        slices = self._access.get(f"{at}?labelSelector=kubernetes.io/service-name={NAME}")["items"]
        ready = [each for found in slices for each in found["endpoints"] or () if each["conditions"]["ready"]]
        pods = [str(each["targetRef"]["name"]).removeprefix(f"{NAME}-").partition("-")[0] for each in ready]
        routes = [self._route(kind) for kind in self._kinds]
        weights = tuple(backends(each)[f"{NAME}-candidate"] for each in routes)
        mirrors = sum(len(each["spec"]["rules"][0].get("filters", [])) for each in routes)
        return Seen(pods.count("stable"), pods.count("candidate"), weights, mirrors)

    def _route(self, kind: str) -> Mapping[str, Any]:
        return self._access.get(f"/apis/gateway.networking.k8s.io/v1/namespaces/{self._namespace}/{kind}/{NAME}")


@pytest.mark.timeout(200)
def test_by_replicas_both_tracks_share_a_service(new_namespace: Callable[..., Kubectl], tmp_path: Path) -> None:
    if not is_own():
        pytest.skip("needs the images of a node of our own")
    tracks = Tracks(new_namespace(), tmp_path)
    tracks.set_up(routed=False)
    plan = tracks.plan(strategy="replicas", steps=steps(5, 50, 100, least_s=2))
    with Watched(tracks, routed=False) as watched:
        done = tracks.run(tracks.start(plan=plan))
    assert done.returncode == 0, done.stdout + done.stderr
    shares = {each.candidate / (each.stable + each.candidate) for each in watched.seen if each.stable == STABLE_PODS}
    print(f"by replicas: the candidate had {sorted(f'{share:.0%}' for share in shares)} of the pods")
    assert shares == {0, 1 / 3, 1 / 2}
    assert min(each.stable for each in watched.seen) == STABLE_PODS
    assert (tracks.release("stable"), tracks.replicas("stable"), tracks.replicas("candidate")) == ("8", 2, 0)


@pytest.mark.timeout(200)
def test_blue_green_is_all_or_nothing(tracks: Tracks) -> None:
    plan = tracks.plan(strategy="blue-green", steps=steps(5, 100, least_s=2))
    with Watched(tracks) as watched:
        done = tracks.run(tracks.start(plan=plan))
    assert done.returncode == 0, done.stdout + done.stderr
    weights = {weight for each in watched.seen for weight in each.weights}
    print(f"blue-green: the candidate's weights were {sorted(weights)} %")
    assert weights == {0, 100}
    assert min(each.stable for each in watched.seen) == STABLE_PODS
    assert (tracks.phase(), tracks.weights(), tracks.release("stable")) == ("promoted", [0, 0], "8")


@pytest.mark.timeout(200)
def test_blue_green_goes_back_at_once_to_pods_that_were_never_touched(tracks: Tracks) -> None:
    before = _pods(tracks)
    plan = tracks.plan(strategy="blue-green", steps=steps(100, least_s=600))
    with tracks.begun(tracks.start(plan=plan)) as process:
        while tracks.phase() != "observing":
            assert process.poll() is None, process.communicate()
        assert tracks.weights() == [100, 100]
        tracks.run(tracks.command("abort"))
        process.communicate(timeout=60)
    assert process.returncode == 4
    assert (tracks.phase(), tracks.weights(), tracks.release("stable")) == ("aborted", [0, 0], "7")
    assert _pods(tracks) == before


@pytest.mark.timeout(200)
@pytest.mark.parametrize(("exchanged", "status", "phase"), [(False, 0, "promoted"), (True, 4, "aborted")])
def test_in_the_shadow_answers_are_compared_and_never_returned(
    tracks: Tracks, layout: Layout, tmp_path: Path, exchanged: bool, status: int, phase: str
) -> None:
    debian = fetch_tools(layout.cache, say=print).debian
    with _gateway(tracks, "HTTPRouteRequestMirror"), exporter({tracks.kubectl.namespace: exchanged}) as port:
        job = {"job_name": "tracks", "honor_labels": True, "static_configs": [{"targets": [f"127.0.0.1:{port}"]}]}
        configuration = {"global": {"scrape_interval": "1s"}, "scrape_configs": [job]}
        folder = tmp_path / "prometheus"
        folder.mkdir()
        with prometheus(debian, folder, configuration) as measured, Watched(tracks) as watched:
            measuring = {"prometheus": measured.url, "error_budget": None, "look_every_s": 2}
            step = {"weight_percent": 100, "least_s": 8}
            plan = tracks.plan(strategy="shadow", steps=[step], **measuring)
            done = tracks.run(tracks.start(plan=plan))
    told = [each["why"] for each in tracks.record()["current"]["decisions"]][-3:]
    print(f"in the shadow: {phase}, the candidate's weight was {watched.seen[0].weights} throughout: {told}")
    assert done.returncode == status, done.stdout + done.stderr
    assert tracks.phase() == phase
    assert {each.weights for each in watched.seen} == {(0, 0)}
    assert 2 in {each.mirrors for each in watched.seen}
    assert watched.seen[-1].mirrors == 0
    assert tracks.release("stable") == ("7" if exchanged else "8")


@pytest.mark.timeout(100)
def test_a_gateway_that_does_not_mirror_is_refused_before_anything_changes(tracks: Tracks) -> None:
    plan = tracks.plan(strategy="shadow", steps=steps(100))
    before = tracks.versions()
    unknown = tracks.run(tracks.start(plan=plan))
    with _gateway(tracks, "HTTPRoute"):
        refused = tracks.run(tracks.start(plan=plan))
    assert (unknown.returncode, refused.returncode) == (4, 4)
    assert "nobody can tell whether the Gateways of test-triptych mirror requests" in unknown.stderr
    assert "does not list HTTPRouteRequestMirror among its features" in refused.stderr
    assert tracks.versions() == before


@contextmanager
def _gateway(tracks: Tracks, *features: str) -> Iterator[None]:
    """The routes' Gateway is of a class with these features; no controller serves it."""
    kubectl, name = tracks.kubectl, f"features-{tracks.kubectl.namespace}"
    group = {"apiVersion": "gateway.networking.k8s.io/v1"}
    listener = {"name": "http", "port": 80, "protocol": "HTTP"}
    kubectl.apply(
        {**group, "kind": "GatewayClass", "metadata": {"name": name}, "spec": {"controllerName": "triptych.test/none"}},
        {
            **group,
            "kind": "Gateway",
            "metadata": {"name": "edge"},
            "spec": {"gatewayClassName": name, "listeners": [listener]},
        },
    )
    access = Access.from_kubeconfig(tracks.kubeconfig())
    found = access.get(f"{_CLASSES}/{name}")
    supported = [{"name": feature} for feature in features]
    access.patch(
        f"{_CLASSES}/{name}/status",
        [{"op": "add", "path": "/status/supportedFeatures", "value": supported}],
        version=found["metadata"]["resourceVersion"],
    )
    yield
    kubectl("delete", "gateway/edge", f"gatewayclass/{name}")


def _pods(tracks: Tracks) -> set[str]:
    items = tracks.kubectl.get("pods", "--selector=triptych/track=stable")["items"]
    return {item["metadata"]["uid"] for item in items}
