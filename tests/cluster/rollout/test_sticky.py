"""A header that leads to the candidate, on a real API server and through a real Gateway."""

import time
import urllib.request
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import yaml

from cluster.addresses import NODE
from cluster.driven import Driven, now
from cluster.gateway import HTTP_PORT, gateway, route
from cluster.kubectl import Kubectl
from cluster.manifests import web
from cluster.tracks import NAME, Tracks
from triptych_ops.rollout import operations
from triptych_ops.rollout.changes import SetRoute
from triptych_ops.rollout.cluster import Access, KubernetesCluster, Names
from triptych_ops.rollout.cluster.routes import read_route
from triptych_ops.rollout.course import Course, Share
from triptych_ops.rollout.state import Act, Phase, Sticky

STICKY = Sticky(header="x-track", value="candidate")
_ROUTED_S = 30
_ASKED = 50


def test_both_routes_get_the_rule_and_lose_it(tracks: Tracks) -> None:
    driven = Driven.of(tracks, course=Course(shares=(Share(5),), sticky=STICKY, look_every_s=0.1, drain_s=0.2))
    driven.begin()
    driven.until(Phase.CHECKING)
    assert {each.sticky for each in driven.cluster.observe().routes} == {None}
    driven.until(Phase.OBSERVING)
    assert {(each.sticky, each.weight_percent) for each in driven.cluster.observe().routes} == {(STICKY, 5)}
    for kind in ("httproute", "grpcroute"):
        first, dividing = tracks.kubectl.get(kind, NAME)["spec"]["rules"]
        assert [each["name"] for each in first["backendRefs"]] == [f"{NAME}-candidate"]
        assert [each.pop("headers")[-1]["value"] for each in first["matches"]] == ["candidate"]
        assert first["matches"] == dividing["matches"]
    edit = [{"op": "replace", "path": "/spec/rules/0/matches/0/headers/0/value", "value": "all"}]
    tracks.kubectl(
        "patch", "httproute", NAME, "--type=json", f"--patch={yaml.safe_dump(edit, default_flow_style=True)}"
    )
    driven.tick(driven.engine())
    assert "the sticky header was x-track=candidate and is x-track=all" in str(driven.rollout.paused)
    driven.change(lambda found: operations.abort(found, by="test", at=now(), why="enough"))
    engine = driven.engine()
    while not driven.rollout.ended:
        driven.tick(engine)
        time.sleep(0.05)
    assert {(each.sticky, each.weight_percent) for each in driven.cluster.observe().routes} == {(None, 0)}
    assert [each.act for each in driven.rollout.decisions if each.act is Act.NOTICE]


def test_a_gateway_sends_the_header_to_the_candidate(
    tracks: Tracks, new_namespace: Callable[..., Kubectl], tmp_path: Path
) -> None:
    del tracks  # only its skip: a node of our own
    namespace = new_namespace()
    host, backends = f"{namespace.namespace}.test", {f"{NAME}-stable": 100, f"{NAME}-candidate": 0}
    namespace.apply(*web(f"{NAME}-stable"), *web(f"{NAME}-candidate"), gateway("edge"))
    namespace.apply(route(NAME, "edge", backends, host=host))
    for track in ("stable", "candidate"):
        namespace("rollout", "status", f"deployment/{NAME}-{track}", "--timeout=60s")
    file = tmp_path / "kubeconfig"
    document = yaml.safe_load(namespace.kubeconfig.read_text())
    document["contexts"][0]["context"]["namespace"] = namespace.namespace
    file.write_text(yaml.safe_dump(document))
    access = Access.from_kubeconfig(file)
    cluster = KubernetesCluster(access, Names(access.namespace, NAME))

    def write(sticky: Sticky | None) -> None:
        seen = read_route(namespace.get("httproute", NAME), cluster.names).seen
        cluster.apply(SetRoute(seen, "1.1", 0, mirror=False, sticky=sticky))

    write(STICKY)
    _until(host, {"x-track": "candidate"}, "candidate")
    pinned, others = (_answers(host, headers) for headers in ({"x-track": "candidate"}, {"x-track": "stable"}))
    print(f"sticky: of {_ASKED} requests with the header {dict(pinned)}, of {_ASKED} with another value {dict(others)}")
    assert pinned == {"candidate": _ASKED}
    assert others == {"stable": _ASKED}
    write(None)
    _until(host, {"x-track": "candidate"}, "stable")
    assert _answers(host, {"x-track": "candidate"}) == {"stable": _ASKED}


def _until(host: str, headers: dict[str, str], track: str) -> None:
    deadline = time.monotonic() + _ROUTED_S
    while [_ask(host, headers) for _ in range(5)] != [track] * 5:
        assert time.monotonic() < deadline, f"{headers} never came to {track}"
        time.sleep(0.1)


def _answers(host: str, headers: dict[str, str]) -> Counter[str]:
    return Counter(_ask(host, headers) for _ in range(_ASKED))


def _ask(host: str, headers: dict[str, str]) -> str:
    """The track that answers; "" where none does."""
    request = urllib.request.Request(f"http://{NODE}:{HTTP_PORT}/", headers={"Host": host, **headers})
    try:
        with urllib.request.urlopen(request, timeout=5) as answer:
            return str(answer.read().decode()).removeprefix(f"{NAME}-").partition("-")[0]
    except OSError:
        return ""
