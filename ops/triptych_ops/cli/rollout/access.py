"""The options that say which release of the chart, on which cluster, and what they lead to."""

import functools
import getpass
import os
import socket
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from triptych_ops.rollout.cluster import Access, Events, KubernetesCluster, KubernetesLeases, Names
from triptych_ops.rollout.course import Way, course_of
from triptych_ops.rollout.lease import Lease
from triptych_ops.rollout.plan import load_plan
from triptych_ops.rollout.state import Record

_OPTIONS = (
    click.option(
        "--name",
        default="triptych",
        show_default=True,
        envvar="TRIPTYCH_ROLLOUT_NAME",
        help="What the names of the chart's objects begin with.  [TRIPTYCH_ROLLOUT_NAME]",
    ),
    click.option("--namespace", metavar="NAME", help="Theirs, unless the kubeconfig says it."),
    click.option(
        "--kubeconfig",
        type=click.Path(path_type=Path),
        help="Unless KUBECONFIG names it; a pod needs none.",
    ),
    click.option("--context", "kube_context", metavar="NAME", help="Of the kubeconfig, unless its current one."),
)


class Place:
    """A release of the chart on a cluster."""

    def __init__(self, access: Access, names: Names) -> None:
        self.names = names
        self._access = access

    def cluster(self, plan: str | None) -> KubernetesCluster:
        """The cluster, for rollouts by this plan; without routes where the plan's strategy uses none."""
        routed = plan is None or course_of(load_plan(plan)).way is not Way.REPLICAS
        return KubernetesCluster(self._access, self.names, routed=routed)

    def record(self) -> Record:
        """What is known of rollouts."""
        return self.cluster(None).read()[0]

    def lease(self) -> Lease:
        """A chance to drive, for this process."""
        return Lease(KubernetesLeases(self._access, self.names), f"{operator()}/{os.getpid()}-{uuid.uuid4().hex[:6]}")

    def events(self, cluster: KubernetesCluster) -> Events:
        """Where decisions are told."""
        return Events(self._access, self.names, uid=cluster.uid("candidate"))

    def create_job(self, job: dict[str, Any]) -> None:
        """Create a Job.

        Raises:
            ConflictError: there is one of its name.
        """
        self._access.create(f"/apis/batch/v1/namespaces/{self.names.namespace}/jobs", job)


def place_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Decorator: the options, given to the command as one parameter `place: Place`."""

    @functools.wraps(command)
    def with_place(
        *args: Any, name: str, namespace: str | None, kubeconfig: Path | None, kube_context: str | None, **more: Any
    ) -> Any:
        access = Access.from_kubeconfig(kubeconfig, context=kube_context)
        return command(*args, place=Place(access, Names(namespace or access.namespace, name)), **more)

    for option in reversed(_OPTIONS):
        with_place = option(with_place)
    return with_place


def operator() -> str:
    """Who decides here: the user and the machine, or what TRIPTYCH_ROLLOUT_BY says."""
    try:
        return os.environ.get("TRIPTYCH_ROLLOUT_BY") or f"{getpass.getuser()}@{socket.gethostname()}"
    except (KeyError, OSError):  # a user without a name, as in a container
        return f"{os.getuid()}@{socket.gethostname()}"
