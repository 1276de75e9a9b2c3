"""Rollouts of real releases under load: the chart's two tracks behind a Gateway, measured by a real Prometheus."""

import json
import os
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from cluster.asking import GATEWAY_URLS
from cluster.charts import NAME, Charted, track
from cluster.kubectl import Kubectl
from cluster.layout import Layout
from cluster.prometheus import Prometheus, prometheus
from cluster.store import URL, PublishedReleases
from cluster.tools import fetch_tools
from commands import TRIPTYCH, triptych
from traffic.closed import Load
from triptych_ops.builder.views import write_views
from triptych_ops.rollout.state import Binding

SHARE = 0.5
"""Of what the stable pod can do."""

_CALLERS = 8
_ENDING_S = 5.0
_SCRAPE_S = 2
_VIEWS = 64
_PORTS = "metrics|edge-metrics"
_SMALL = {
    "server": {"resources": {"requests": {"cpu": "300m", "memory": "512Mi"}, "limits": {"memory": "2Gi"}}},
    "edge": {"maxConcurrent": 256},
}
"""Three pods share two cores while the stable one is replaced. Where others have the cores for a second,
requests wait and are not refused: what fails is to tell of the rollout."""


@dataclass(frozen=True, slots=True)
class RolledOut:
    """How a rollout under load went.

    status:   of the command that rolled out
    traffic:  what the load generator counted, as its `rollout.json` says
    rollout:  the rollout as the cluster remembers it
    said:     by both commands
    """

    status: int
    traffic: Mapping[str, Any]
    rollout: Mapping[str, Any]
    said: str

    @property
    def decisions(self) -> Sequence[Mapping[str, Any]]:
        """All that the cluster remembers, oldest first."""
        found: Sequence[Mapping[str, Any]] = self.rollout["decisions"]
        return found

    @property
    def phase(self) -> str:
        """How it ended."""
        return str(self.rollout["phase"])

    @property
    def failed(self) -> int:
        """Requests without a right answer, and those that were never sent."""
        return sum(map(int, self.traffic["failed"].values())) + int(self.traffic["dropped"])

    @property
    def mixed(self) -> int:
        """Answers that no release can have given by itself."""
        return int(self.traffic["mixed"])

    @property
    def answers(self) -> int:
        """Of all releases."""
        return sum(each["answered"] for each in self.traffic["releases"])

    @property
    def greatest_share(self) -> int:
        """The greatest percentage that the candidate ever had, by the plan's steps that were begun."""
        steps = [int(each["weight_percent"]) for each in yaml.safe_load(self.rollout["plan"])["steps"]]
        begun = [int(each["step"]) for each in self.decisions if each["phase"] in _WITH_TRAFFIC]
        return max((steps[step] for step in begun), default=0)


_WITH_TRAFFIC = ("shifting", "observing", "promoting")


@dataclass(frozen=True, slots=True)
class Canary:
    """Release 1 is stable; the candidate has no pods until something is rolled out."""

    charted: Charted
    releases: PublishedReleases
    measured: Prometheus
    folder: Path

    def set_up(self) -> None:
        """The chart as it was installed, whatever was rolled out before."""
        kubectl = self.charted.kubectl
        kubectl.run("delete", f"configmap/{NAME}-rollout", f"lease/{NAME}-rollout", "--ignore-not-found")
        candidate = {"enabled": True, **track(self.releases, 1), "replicas": 0}
        self.charted.install({**_SMALL, "tracks": {"candidate": candidate}})

    def end(self) -> None:
        """Whatever became of a rollout, nobody drives it, and helm may write again."""
        triptych("rollout", "abort", "--name", NAME, env={"KUBECONFIG": str(self.kubeconfig())})

    def plan(self, steps: Sequence[Mapping[str, Any]], **fields: Any) -> Path:
        """A plan's file: the usual metrics, looked at often."""
        often = {"prometheus": self.measured.url, "look_every_s": 5, "stale_s": 20, "hold_s": 180, "error_budget": None}
        file = self.folder / "plan.yaml"
        file.write_text(yaml.safe_dump({**often, "steps": list(steps), **fields}))
        return file

    def capacity_per_s(self, protocol: str = "grpc") -> float:
        """Requests a second that the stable pod answers through the Gateway while a pod starts and ends beside it.

        A pod that starts takes the cores of the one that serves: here they share a node.
        """
        began_s = time.monotonic()
        with Load([GATEWAY_URLS[protocol]] * _CALLERS, timeout_s=10) as load:
            for pods in (1, 0):
                self.charted.kubectl("scale", f"deployment/{NAME}-candidate", f"--replicas={pods}")
                self.charted.kubectl("rollout", "status", f"deployment/{NAME}-candidate", "--timeout=120s")
            time.sleep(_ENDING_S)
        return sum(one.right for one in load.calls) / (time.monotonic() - began_s)

    def roll_out(self, number: int, plan: Path, *, per_s: float, most_s: float, protocol: str = "grpc") -> RolledOut:
        """Roll a release of the store out, with so many requests a second meanwhile, for so long at most."""
        start = ("rollout", "start", "--name", NAME, "--store", URL, "--release", number, "--plan", plan)
        words = (str(TRIPTYCH), *map(str, start))
        done, told = self.load(words, per_s=per_s, seconds=most_s, protocol=protocol)
        found = self.charted.kubectl.get("configmap", f"{NAME}-rollout")["data"]["record.json"]
        return RolledOut(told["status"], told, json.loads(found)["current"], done.stdout + done.stderr)

    def load(
        self, words: Sequence[str] = (), *, per_s: float, seconds: float, protocol: str = "grpc"
    ) -> tuple[subprocess.CompletedProcess[str], Mapping[str, Any]]:
        """`triptych loadtest rollout`, with this command; how it ended, and what it counted."""
        pictures, out = self.folder / "pictures", self.folder / f"load-{len(list(self.folder.glob('load-*')))}"
        if not pictures.exists():
            pictures.mkdir()
            write_views(pictures, count=_VIEWS, seed=1)
        arguments = (
            *("loadtest", "rollout", "--url", GATEWAY_URLS[protocol], "--rate", f"{per_s:.1f}"),
            *("--seconds", f"{seconds:g}", "--pictures", str(pictures), "--out", str(out)),
        )
        done = subprocess.run(
            [str(TRIPTYCH), *arguments, *(["--", *words] if words else [])],
            capture_output=True,
            text=True,
            timeout=seconds + 200,
            env={**os.environ, **self.releases.objects.environment(), "KUBECONFIG": str(self.kubeconfig())},
            check=False,
        )
        file = out / "rollout.json"
        assert file.exists(), done.stderr
        return done, json.loads(file.read_text())

    @contextmanager
    def divided(self, store: str, release: Binding) -> Iterator[None]:
        """Half of the requests go to a release of another store, as by no rollout, until this is left."""
        kubectl, name = self.charted.kubectl, f"{NAME}-candidate"
        deployment = kubectl.get("deployment", name)
        template = deployment["spec"]["template"]
        template["metadata"]["annotations"]["triptych/manifest-sha256"] = release.manifest_sha256
        pull = next(each for each in template["spec"]["initContainers"] if each["name"] == "pull")
        flags = {"--store": store, "--manifest-sha256": release.manifest_sha256}
        for position, argument in enumerate(pull["args"]):
            flag = argument.partition("=")[0]
            if flag in flags:
                pull["args"][position] = f"{flag}={flags[flag]}"
        deployment["spec"]["replicas"] = 1
        kubectl("replace", "--filename", "-", manifest=deployment)
        kubectl("rollout", "status", f"deployment/{name}", "--timeout=120s")
        route = kubectl.get("grpcroute", NAME)
        for backend in route["spec"]["rules"][0]["backendRefs"]:
            backend["weight"] = 50
        kubectl("replace", "--filename", "-", manifest=route)
        yield
        kubectl("delete", "deployment", name)  # not helm's any more, who makes them anew
        kubectl("delete", "grpcroute", NAME)

    def kubeconfig(self) -> Path:
        """The administrator's, in the chart's namespace."""
        file = self.folder / "kubeconfig"
        if not file.exists():
            document = yaml.safe_load(self.charted.kubectl.kubeconfig.read_text())
            document["contexts"][0]["context"]["namespace"] = self.charted.kubectl.namespace
            file.write_text(yaml.safe_dump(document))
        return file


@contextmanager
def canary(charted: Charted, releases: PublishedReleases, layout: Layout, folder: Path) -> Iterator[Canary]:
    """The chart with two tracks, and a Prometheus that measures both."""
    debian = fetch_tools(layout.cache, say=print).debian
    scraped = folder / "prometheus"
    scraped.mkdir()
    with prometheus(debian, scraped, _scraping(charted.kubectl)) as measured:
        made = Canary(charted, releases, measured, folder)
        made.set_up()
        yield made
        made.end()


def _scraping(kubectl: Kubectl) -> dict[str, Any]:
    """As the chart's PodMonitor: Triton's page and the edge's, by track and release."""
    discovery = {
        "role": "pod",
        "kubeconfig_file": str(kubectl.kubeconfig),
        "namespaces": {"names": [kubectl.namespace]},
    }
    labels = {
        "__meta_kubernetes_namespace": "namespace",
        "__meta_kubernetes_pod_name": "pod",
        "__meta_kubernetes_pod_label_triptych_track": "track",
        "__meta_kubernetes_pod_label_triptych_release": "release",
    }
    relabelling: list[dict[str, Any]] = [
        {"source_labels": ["__meta_kubernetes_pod_container_port_name"], "regex": _PORTS, "action": "keep"},
        *({"source_labels": [source], "target_label": target} for source, target in labels.items()),
    ]
    job = {
        "job_name": "pods",
        "kubernetes_sd_configs": [discovery],
        "relabel_configs": relabelling,
        "metric_relabel_configs": [{"regex": "exported_release", "action": "labeldrop"}],
    }
    return {"global": {"scrape_interval": f"{_SCRAPE_S}s"}, "scrape_configs": [job]}
