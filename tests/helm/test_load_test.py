"""The load test of the chart: nothing unless asked for, and arguments that Locust takes."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from helm.chart import RefusedError, render
from loadtests.users.target import Target


def pods(**changes: Any) -> dict[str, Any]:
    return {name: pod for name, pod in render(loadTest__enabled=True, **changes).pods() if "loadtest" in name}


def arguments(pod: Any) -> dict[str, str]:
    [container] = pod["containers"]
    pairs = (argument.partition("=") for argument in container["args"])
    return {name: value for name, _, value in pairs}


def test_there_is_none_unless_asked_for() -> None:
    rendered = render()
    assert rendered.of_kind("Job") == []
    assert not any("loadtest" in found["metadata"]["name"] for found in rendered.objects)


def test_a_master_waits_for_as_many_workers_as_there_are() -> None:
    found = pods(loadTest__workers=3, loadTest__count=7, loadTest__seconds=30)
    master = arguments(found["test-triptych-loadtest-master-1"])
    worker = arguments(found["test-triptych-loadtest-worker-1"])
    job = render(loadTest__enabled=True, loadTest__workers=3).one("Job", "test-triptych-loadtest-worker-1")
    assert job["spec"]["parallelism"] == job["spec"]["completions"] == 3
    assert (master["--expect-workers"], master["--users"], master["--run-time"]) == ("3", "7", "30s")
    assert worker["--master-host"] == "test-triptych-loadtest.default.svc"
    assert Target.at([master["--host"]]).protocol == "grpc"


def test_a_worker_that_is_lost_takes_no_other_with_it() -> None:
    job = render(loadTest__enabled=True).one("Job", "test-triptych-loadtest-worker-1")["spec"]
    assert (job["completionMode"], job["backoffLimitPerIndex"]) == ("Indexed", 0)
    assert "backoffLimit" not in job  # it would be of them all


def test_the_service_is_the_master_alone() -> None:
    rendered = render(loadTest__enabled=True)
    selector = rendered.one("Service", "test-triptych-loadtest")["spec"]["selector"]
    jobs = rendered.of_kind("Job")
    labels = [job["spec"]["template"]["metadata"]["labels"] for job in jobs]
    chosen = [each["triptych/loadtest"] for each in labels if selector.items() <= each.items()]
    assert chosen == ["master"]


def test_the_server_lets_it_in() -> None:
    rendered = render(loadTest__enabled=True, networkPolicy__enabled=True)
    assert "loadtest" in str(rendered.one("NetworkPolicy", "test-triptych")["spec"]["ingress"])
    assert "loadtest" not in str(render(networkPolicy__enabled=True).one("NetworkPolicy", "test-triptych")["spec"])


_PARSE = """
import subprocess
import sys
import loadtests.locustfile
from locust.argument_parser import parse_options
options = parse_options(sys.argv[1:])
[users] = options.user_classes
print(users, options.locustfile, hasattr(loadtests.locustfile, users))
"""


@pytest.mark.parametrize("part", ["master", "worker"])
@pytest.mark.parametrize("users", ["GrpcCrowd", "HttpVisitor"])
def test_locust_takes_the_arguments(part: str, users: str, checkout: Path) -> None:
    [container] = pods(loadTest__users=users)[f"test-triptych-loadtest-{part}-1"]["containers"]
    parse = [sys.executable, "-c", _PARSE, *container["args"]]
    done = subprocess.run(parse, cwd=checkout, capture_output=True, text=True, timeout=60, check=False)
    assert done.stdout.splitlines()[-1].split() == [users, "/opt/loadtests/locustfile.py", "True"], done.stderr


@pytest.mark.parametrize(
    "changes", [{"loadTest__workers": 0}, {"loadTest__url": "ftp://x"}, {"loadTest__users": "--host"}]
)
def test_what_makes_no_sense_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(RefusedError):
        render(loadTest__enabled=True, **changes)
