"""The edge's container, and the test that asks through it."""

from helm.chart import Object, render, render_scenario


def test_nothing_but_the_edge_and_metrics_and_health_has_a_port() -> None:
    pod = render().pod()
    ports = {
        each["name"]: [port["containerPort"] for port in each.get("ports", [])]
        for each in (*pod["initContainers"], *pod["containers"])
    }
    assert ports == {"pull": [], "health": [8090], "server": [8002], "edge": [8080, 8081, 8082]}


def _mounts(container: Object) -> dict[str, str]:
    return {each["name"]: each["mountPath"] for each in container["volumeMounts"]}


def test_keys_and_certificates_come_by_reference_and_to_the_edge_alone() -> None:
    rendered = render_scenario("edge")
    pod, edge = rendered.pod(), rendered.container("edge")
    secret = {"tls", "api-keys", "client-authorities"}
    for each in (*pod["initContainers"], *pod["containers"]):
        assert bool(secret & set(_mounts(each))) == (each["name"] == "edge")
    for flag in ("--tls-cert", "--tls-key", "--client-ca", "--api-keys"):
        [path] = [each.partition("=")[2] for each in edge["args"] if each.startswith(f"{flag}=")]
        assert any(path.startswith(f"{folder}/") for folder in _mounts(edge).values())
    # The file of keys must be closed to others; the group is the pod's own.
    modes = {each["name"]: each["secret"]["defaultMode"] for each in pod["volumes"] if "secret" in each}
    assert modes == {"tls": 0o440, "api-keys": 0o440}


def test_what_the_edge_writes_is_in_memory_and_its_own() -> None:
    rendered = render()
    pod = rendered.pod()
    [volume] = [each for each in pod["volumes"] if each["name"] == "edge"]
    assert volume["emptyDir"]["medium"] == "Memory"
    assert [each["name"] for each in (*pod["initContainers"], *pod["containers"]) if "edge" in _mounts(each)] == [
        "edge"
    ]


def test_its_memory_limit_leaves_room_over_what_it_may_hold() -> None:
    assert render(edge__memoryMiB=2000).container("edge")["resources"]["limits"]["memory"] == "3000Mi"


def test_helm_test_asks_both_services() -> None:
    assert render_scenario("minimal").one("Pod")["spec"]["containers"][0]["args"] == [
        "http://test-triptych.default.svc:80",
        "dns:///test-triptych-grpc.default.svc:8081",
    ]
    assert render_scenario("edge").one("Pod")["spec"]["containers"][0]["args"] == [
        "https://test-triptych.default.svc:80",
        "dns+grpcs:///test-triptych-grpc.default.svc:8081",
    ]
