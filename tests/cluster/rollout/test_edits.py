"""Case 32: somebody else edits the routes while the rollout writes them."""

import json
import threading
from dataclasses import replace
from typing import Any

import pytest
from kubernetes import client, config

from cluster.driven import Driven, now
from cluster.tracks import NAME, Tracks, backends
from triptych_ops.rollout import operations
from triptych_ops.rollout.changes import Change
from triptych_ops.rollout.cluster.access import Object
from triptych_ops.rollout.course import Course, Share
from triptych_ops.rollout.state import Act

RACES = 100


class Racing:
    """Another editor, who writes without a look at the same moment as the engine."""

    def __init__(self, tracks: Tracks, driven: Driven) -> None:
        self._connection = config.new_client_from_config(  # type: ignore[no-untyped-call]
            str(tracks.kubeconfig())
        )
        self._routes = client.CustomObjectsApi(self._connection)
        self._place = ("gateway.networking.k8s.io", "v1", tracks.kubectl.namespace, "httproutes", NAME)
        self._apply = driven.cluster.apply
        self.edit: list[Object] | None = None
        self.ran = 0

    def __call__(self, change: Change) -> None:
        """Write the engine's change, and the edit beside it."""
        if self.edit is None or not change.seen.name.startswith("HTTPRoute"):
            self._apply(change)
            return
        edit, self.edit = self.edit, None
        gate = threading.Barrier(2)

        def editing() -> None:
            gate.wait()
            self.write(edit)

        editor = threading.Thread(target=editing)
        editor.start()
        try:
            gate.wait()
            self._apply(change)
        finally:
            editor.join()
            self.ran += 1

    def route(self) -> Any:
        """As it is now."""
        return self._routes.get_namespaced_custom_object(*self._place)

    def write(self, edit: list[Object]) -> None:
        """Without a look at what is there."""
        group, version, namespace, kind, name = self._place
        asked = self._connection.param_serialize(
            "PATCH",
            f"/apis/{group}/{version}/namespaces/{namespace}/{kind}/{name}",
            query_params=[("fieldManager", "somebody")],
            header_params={"Content-Type": "application/json-patch+json"},
            body=edit,
            auth_settings=["BearerToken"],
        )
        answer = self._connection.call_api(*asked)
        assert answer.status == 200, answer.read()


@pytest.mark.timeout(400)
def test_case_32_no_edit_of_a_hundred_is_lost_and_each_is_reported(
    tracks: Tracks, monkeypatch: pytest.MonkeyPatch
) -> None:
    shares = tuple(Share(1 + step % 2) for step in range(4 * RACES))
    driven = Driven.of(tracks, course=Course(shares=shares, look_every_s=0.0, drain_s=0.1))
    racing = Racing(tracks, driven)
    monkeypatch.setattr(driven.cluster, "apply", racing)
    driven.begin()
    engine = driven.engine()
    lost = unreported = 0
    for race in range(RACES):
        weight, host = 10 + race % 80, f"race-{race}.example"
        is_weight = race % 2 == 0
        racing.edit = _weights(weight) if is_weight else [{"op": "add", "path": "/spec/hostnames", "value": [host]}]
        while racing.ran <= race:
            driven.tick(engine)
        for _ in range(30):
            if len(_notices(driven)) <= race:
                driven.tick(engine)
        route = racing.route()
        if is_weight:
            lost += backends(route)[f"{NAME}-candidate"] != weight
            unreported += f"is {weight}" not in str(driven.rollout.paused)
            driven.change(lambda found: operations.resume(found, by="test", at=now(), why="seen"))
        else:
            lost += route["spec"]["hostnames"] != [host]
            unreported += len(_notices(driven)) != 1 + race
    assert (lost, unreported) == (0, 0)
    print(f"case 32: {RACES} races between the rollout and an editor: {lost} lost updates, {unreported} not reported")


def test_an_engine_that_writes_without_a_look_is_noticed(tracks: Tracks, monkeypatch: pytest.MonkeyPatch) -> None:
    """The control: the same edit, an engine that takes whatever version there is."""
    driven = Driven.of(tracks)
    driven.begin()
    racing = Racing(tracks, driven)
    careful = driven.cluster.apply

    def careless(change: Change) -> None:
        if change.seen.name.startswith("HTTPRoute"):
            racing.write(_weights(77))
            change = _refreshed(change, racing.route())
        careful(change)

    monkeypatch.setattr(driven.cluster, "apply", careless)
    driven.tick(driven.engine())
    assert backends(racing.route())[f"{NAME}-candidate"] != 77


def test_helm_is_told_who_owns_the_weights_until_the_rollout_has_ended(tracks: Tracks) -> None:
    """As helm 4 does, by server-side apply: the API server refuses, and names the rollout."""
    driven = Driven.of(tracks)
    driven.begin()
    driven.until(driven.rollout.phase.OBSERVING)
    route = tracks.kubectl.get("httproute", NAME)
    rules = json.loads(json.dumps(route["spec"]["rules"]))
    rules[0]["backendRefs"][1]["weight"] = 0
    rules[0]["backendRefs"][0]["weight"] = 100
    manifest = {
        "apiVersion": route["apiVersion"],
        "kind": "HTTPRoute",
        "metadata": {"name": NAME},
        "spec": {"parentRefs": route["spec"]["parentRefs"], "rules": rules},
    }
    helm = ("apply", "--server-side", "--field-manager=helm", "--filename", "-")
    refused = tracks.kubectl.run(*helm, manifest=manifest)
    assert refused.returncode != 0
    assert 'conflict with "triptych-rollout"' in refused.stderr
    assert tracks.weights() == [5, 5]
    assert driven.engine().run().phase is driven.rollout.phase.PROMOTED
    done = tracks.kubectl.run(*helm, manifest=manifest)
    assert done.returncode == 0, done.stderr


def _weights(weight: int) -> list[Object]:
    at = "/spec/rules/0/backendRefs"
    pairs = ((0, 100 - weight), (1, weight))
    return [{"op": "replace", "path": f"{at}/{index}/weight", "value": value} for index, value in pairs]


def _notices(driven: Driven) -> list[str]:
    return [each.why for each in driven.told if each.act is Act.NOTICE]


def _refreshed(change: Change, route: Any) -> Change:
    return replace(change, seen=replace(change.seen, version=route["metadata"]["resourceVersion"]))
