"""What a rollout would change, object by object, as the API server itself says it."""

import difflib
from typing import Any

import click
import yaml

from triptych_ops.rollout.changes import changes
from triptych_ops.rollout.cluster import MARK, KubernetesCluster
from triptych_ops.rollout.course import Course, Way
from triptych_ops.rollout.state import Rollout

_UNINTERESTING = ("managedFields", "resourceVersion", "generation", "uid", "creationTimestamp")


def print_rehearsal(cluster: KubernetesCluster, rollout: Rollout, course: Course) -> None:
    """A diff on stdout for each object and each time that it would change, each against what it says now."""
    for title, wanted in stages(rollout, course):
        world = cluster.observe()
        for change in changes(wanted, world):
            before, after = cluster.rehearse(change)
            found = _diff(before, after, change.seen.name)
            if found:
                click.echo(f"# {title}")
                click.echo(found)


def print_new(found: dict[str, Any]) -> None:
    """An object that would be created, as a diff."""
    name = f"{found['kind']}/{found['metadata']['name']}"
    lines = yaml.safe_dump(found, sort_keys=True).splitlines(keepends=True)
    click.echo("# driven by")
    click.echo("".join(difflib.unified_diff([], lines, f"{name} now", f"{name} then")).rstrip("\n"))


def stages(rollout: Rollout, course: Course) -> list[tuple[str, Rollout]]:
    """What is wanted one after the other, when all goes well."""
    told = [("before any traffic", rollout)]
    for step, share in enumerate(course.shares):
        replicas = course.replicas(step, stable=rollout.stable_replicas)
        mirror = course.way is Way.MIRROR
        percent = 0 if mirror else share.weight_percent
        rollout = rollout.wanting(
            candidate_replicas=replicas, weight_percent=percent, mirror=mirror, sticky=course.sticky
        )
        told.append((f"step {step + 1}: {share.weight_percent} %", rollout))
    rollout = rollout.wanting(stable=rollout.release, mirror=False)
    told.append(("promotion", rollout))
    origin = rollout.origin
    back = {"candidate": origin.candidate, "candidate_replicas": origin.candidate_replicas}
    return [*told, ("end", rollout.wanting(weight_percent=0, sticky=None, **back))]


def _diff(before: dict[str, Any], after: dict[str, Any], name: str) -> str:
    old, new = (_lines(each) for each in (before, after))
    return "".join(difflib.unified_diff(old, new, f"{name} now", f"{name} then", n=2)).rstrip("\n")


def _lines(found: dict[str, Any]) -> list[str]:
    shown = {key: value for key, value in found.items() if key != "status"}
    metadata = {key: value for key, value in found["metadata"].items() if key not in _UNINTERESTING}
    annotations = {key: value for key, value in metadata.get("annotations", {}).items() if key != MARK}
    shown["metadata"] = {**metadata, "annotations": annotations}
    return yaml.safe_dump(shown, sort_keys=True).splitlines(keepends=True)
