"""A Job of the cluster drives a rollout, under the chart's service account alone; killed, its next pod goes on."""

import time
from collections.abc import Callable

import pytest
import yaml

from cluster.server_image import SERVER
from cluster.tracks import NAME, Tracks, steps

JOB = f"{NAME}-rollout-1"
ENDS_S = 90
STEP_S = 4.0


@pytest.mark.timeout(400)
def test_a_job_drives_it_and_one_that_is_killed_is_followed(tracks: Tracks, server_image: str) -> None:
    assert server_image == SERVER
    arguments = tracks.start(
        "--in-cluster", "--job-image", SERVER, plan=tracks.plan(steps=steps(5, 50, least_s=STEP_S))
    )
    rehearsed = tracks.run((*arguments, "--dry-run"))
    assert rehearsed.returncode == 0, rehearsed.stderr
    assert f"+  name: {JOB}" in rehearsed.stdout
    assert not tracks.kubectl.exists("job", JOB)

    begun = time.monotonic()
    left = tracks.run(arguments)
    returned_s = time.monotonic() - begun
    assert (left.returncode, tracks.phase()) == (0, "preparing"), left.stderr
    assert JOB in left.stderr
    _until(lambda: tracks.phase() == "observing", tracks)
    killed = _pods(tracks)
    assert len(killed) == 1
    tracks.kubectl("delete", "pod", *killed, "--grace-period=0", "--force")
    again = tracks.run(arguments)
    assert again.returncode == 0, again.stderr
    _until(lambda: tracks.phase() == "promoted", tracks)
    _until(lambda: tracks.kubectl.get("job", JOB)["status"].get("succeeded") == 1, tracks)
    assert set(_pods(tracks)) - set(killed)
    found = [each for each in tracks.record()["current"]["decisions"] if each["act"] != "hold"]
    decisions = [(each["act"], each["phase"], each["step"]) for each in found]
    assert len(decisions) == len(set(decisions)), decisions
    assert (tracks.release("stable"), tracks.weights()) == ("8", [0, 0])
    print(f"in the cluster: the command returned after {returned_s:.1f} s; its pod killed, the next one promoted it")


@pytest.mark.timeout(200)
def test_a_job_without_the_role_does_nothing_and_says_so(tracks: Tracks, server_image: str) -> None:
    """The control: the Job's rights are the chart's Role, and nothing else."""
    assert server_image
    tracks.kubectl("delete", "rolebinding", f"{NAME}-rollout")
    before = tracks.weights()
    assert tracks.run(tracks.start("--in-cluster", "--job-image", SERVER)).returncode == 0
    said = f"--selector=job-name={JOB}"
    _until(lambda: "forbidden" in tracks.kubectl.run("logs", said, "--tail=-1").stdout, tracks)
    assert (tracks.weights(), tracks.phase()) == (before, "preparing")


def test_the_pod_has_no_more_than_it_needs(tracks: Tracks) -> None:
    shown = tracks.run(tracks.start("--in-cluster", "--job-image", SERVER, "--dry-run")).stdout
    job = yaml.safe_load("\n".join(line[1:] for line in shown.partition("# driven by")[2].splitlines()[4:]))
    spec = job["spec"]["template"]["spec"]
    assert spec["serviceAccountName"] == f"{NAME}-rollout"
    [container] = spec["containers"]
    assert container["securityContext"]["readOnlyRootFilesystem"] is True
    assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
    assert "Warning" not in tracks.kubectl.dry_run(job)


def _pods(tracks: Tracks) -> list[str]:
    items = tracks.kubectl.get("pods", f"--selector=job-name={JOB}")["items"]
    return [each["metadata"]["name"] for each in items]


def _until(look: Callable[[], bool], tracks: Tracks) -> None:
    deadline = time.monotonic() + ENDS_S
    while not look():
        said = tracks.kubectl.run("logs", f"--selector=job-name={JOB}", "--tail=20")
        assert time.monotonic() < deadline, f"{tracks.phase()}\n{said.stdout}{said.stderr}"
        time.sleep(0.3)
