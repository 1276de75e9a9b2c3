"""The sum of a pod's end, and how soon a fault is met."""

import pytest

from helm.chart import VERSIONS, render

_ENDS = [  # propagation, requests, exit -> grace
    ({}, 45),
    ({"propagationSeconds": 10}, 50),
    ({"requestSeconds": 120}, 135),
    ({"exitSeconds": 1}, 41),
    ({"propagationSeconds": 1, "requestSeconds": 1, "exitSeconds": 1}, 8),
]


@pytest.mark.parametrize(("drain", "grace_s"), _ENDS)
def test_the_grace_is_the_sum_of_its_parts_and_five_seconds(drain: dict[str, int], grace_s: int) -> None:
    rendered = render({"drain": drain})
    values = {"propagationSeconds": 5, "requestSeconds": 30, "exitSeconds": 5, "maxConnectionAgeSeconds": 300, **drain}
    edge, server = rendered.container("edge"), rendered.container("server")
    assert rendered.pod()["terminationGracePeriodSeconds"] == grace_s
    assert edge["lifecycle"]["preStop"] == {"sleep": {"seconds": values["propagationSeconds"]}}
    assert f"--drain-timeout={values['requestSeconds']}" in edge["args"]
    assert f"--exit-timeout-secs={values['exitSeconds']}" in server["args"]
    assert f"--grpc-max-connection-age-grace={values['requestSeconds'] * 1000}" in server["args"]


def test_connections_live_as_long_at_the_edge_as_at_the_server() -> None:
    rendered = render(drain__maxConnectionAgeSeconds=60)
    assert "--connection-age=60" in rendered.container("edge")["args"]
    assert "--grpc-max-connection-age=60000" in rendered.container("server")["args"]


def test_the_oldest_version_sleeps_by_a_program() -> None:
    edge = render(version=VERSIONS[0]).container("edge")
    assert edge["lifecycle"]["preStop"] == {"exec": {"command": ["sleep", "5"]}}


def test_the_edge_ends_before_the_server_which_ends_before_what_tells_of_it() -> None:
    pod = render().pod()
    order = [(each["name"], each.get("restartPolicy")) for each in pod["initContainers"]]
    # Restartable init containers end after the others, and against the order of their start.
    assert order == [("pull", None), ("health", "Always"), ("server", "Always")]
    assert [each["name"] for each in pod["containers"]] == ["edge"]


def test_a_dead_stub_is_noticed_and_replaced_in_time() -> None:
    server = render().container("server")
    # `triptych probes` asks every 3 s; Triton says after 1 s that a stub is dead. The server is to be replaced once it
    # has done nothing for as long as two of the largest batches take, 64 usual answers, and was asked once more.
    noticed_s, start_s = 3 + 1, 5
    stuck_s = noticed_s + 64 * 0.1 + 1.5
    readiness, liveness = server["readinessProbe"], server["livenessProbe"]
    unready_s = noticed_s + readiness["periodSeconds"] * readiness["failureThreshold"]
    killed_s = stuck_s + liveness["periodSeconds"] * liveness["failureThreshold"]
    replaced_s = killed_s + liveness["terminationGracePeriodSeconds"] + start_s
    assert unready_s <= 10
    assert replaced_s <= 30


@pytest.mark.parametrize(
    ("values", "budget_s"),
    [({}, 120), ({"accelerator": "gpu"}, 1200), ({"health": {"startup": {"budgetSeconds": 300}}}, 300)],
)
def test_a_start_has_its_budget(values: dict[str, object], budget_s: int) -> None:
    probe = render(values).container("server")["startupProbe"]
    assert probe["periodSeconds"] * probe["failureThreshold"] == budget_s
