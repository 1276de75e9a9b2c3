"""Renders the chart as helm does, and reads what it rendered."""

import os
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, TypeAlias

import yaml

from helm.binaries import find_helm

CHART = Path(__file__).parents[2] / "helm" / "triptych"
SCENARIOS = {path.name.removesuffix("-values.yaml"): path for path in sorted(CHART.glob("ci/*-values.yaml"))}
VERSIONS = tuple(f"1.{minor}.0" for minor in range(29, 38))
"""Of Kubernetes."""

Object: TypeAlias = Mapping[str, Any]

_DIGEST = "5dae09706ef78f477f9f2188388153ba38500d79ca27ce1c403ce6814c7e1831"
MINIMAL: Mapping[str, Any] = {
    "tracks": {"stable": {"release": {"number": 1, "manifestSha256": _DIGEST}}},
    "store": {"url": "s3://models/triptych"},
}
"""The least that must be said."""

CANDIDATE: Mapping[str, Any] = {"enabled": True, "release": {"number": 2, "manifestSha256": _DIGEST[::-1]}}


class RefusedError(Exception):
    """Helm refuses; the message is its own."""


@dataclass(frozen=True, slots=True)
class Rendered:
    """What one set of values makes."""

    objects: tuple[Object, ...]

    def of_kind(self, kind: str) -> list[Object]:
        """All of a kind, in their order."""
        return [found for found in self.objects if found["kind"] == kind]

    def one(self, kind: str, name: str | None = None) -> Object:
        """The only one of a kind, or of a kind and name."""
        [found] = [each for each in self.of_kind(kind) if name in (None, each["metadata"]["name"])]
        return found

    def pods(self) -> Iterator[tuple[str, Object]]:
        """Every pod, or template of pods: its object's name, its spec."""
        for found in self.objects:
            if found["kind"] in {"Deployment", "Job"}:
                yield found["metadata"]["name"], found["spec"]["template"]["spec"]
            elif found["kind"] == "Pod":
                yield found["metadata"]["name"], found["spec"]

    def pod(self, track: str = "stable") -> Object:
        """The spec of a track's pods."""
        return dict(self.pods())[f"test-triptych-{track}"]

    def container(self, name: str, track: str = "stable") -> Object:
        """A container of a track's pods, of either kind."""
        pod = self.pod(track)
        found: Object
        [found] = [each for each in [*pod["initContainers"], *pod["containers"]] if each["name"] == name]
        return found


def render(values: Mapping[str, Any] | None = None, /, *, version: str = VERSIONS[-1], **changes: Any) -> Rendered:
    """The chart with these values laid over MINIMAL; `changes` are values by their dotted paths, __ for the dots.

    Raises:
        RefusedError: helm refuses.
    """
    document = merged(MINIMAL, values or {})
    for path, value in changes.items():
        document = merged(document, _nested(path.split("__"), value))
    return _template(yaml.safe_dump(document), version)


def render_scenario(name: str, version: str = VERSIONS[-1]) -> Rendered:
    """The chart with the values of a file in ci/."""
    return _template(SCENARIOS[name].read_text(encoding="utf-8"), version)


def merged(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """`below` with `above` laid over it, maps into maps, as helm does."""
    both = {
        key: merged(below[key], value) if isinstance(value, Mapping) and isinstance(below.get(key), Mapping) else value
        for key, value in above.items()
    }
    return {**below, **both}


def helm(*arguments: str, values: str = "") -> str:
    """What helm says.

    Raises:
        RefusedError: it refuses.
    """
    result = subprocess.run(
        [str(find_helm(os.environ)), *arguments], input=values, capture_output=True, text=True, timeout=60, check=False
    )
    if result.returncode:
        raise RefusedError(result.stderr)
    return result.stdout


@cache
def _template(values: str, version: str) -> Rendered:
    text = helm("template", "test", str(CHART), "--kube-version", version, "--values", "-", values=values)
    return Rendered(tuple(found for found in yaml.load_all(text, Loader=yaml.CSafeLoader) if found))


def _nested(path: list[str], value: Any) -> dict[str, Any]:
    return {path[0]: _nested(path[1:], value) if path[1:] else value}
