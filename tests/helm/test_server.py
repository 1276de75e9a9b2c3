"""The server's container: Triton as `triptych serve` starts it, on hardware as it is asked for."""

import os
import subprocess
from pathlib import Path

import pytest

from helm.chart import CHART, RefusedError, render, render_scenario
from triptych_ops.runtime import Collector, Ports
from triptych_ops.runtime.command import command
from triptych_ops.runtime.tracing import triton_flags

_NOT_HERE = ("--backend-directory", "--backend-config", "--http-restricted-api", "--grpc-restricted-protocol")
"""Of a server on a laptop; the last two are in start.sh."""


def test_flags_are_those_of_a_server_on_this_machine() -> None:
    ours = command(
        Path("tritonserver"),
        repository=Path("/release/repository"),
        backends=Path("backends"),
        regions="regions",
        ports=Ports(),
        exit_timeout_s=5,
    )
    wanted = {flag for flag in ours[1:] if not flag.startswith(_NOT_HERE)}
    found = set(render().container("server")["args"])
    assert wanted - found == {"--metrics-address=127.0.0.1"}
    assert {flag.partition("=")[0] for flag in found - wanted} == {
        "--grpc-max-connection-age",
        "--grpc-max-connection-age-grace",
        "--metrics-address",
    }


@pytest.mark.parametrize("endpoint", ["http://collector.monitoring", "http://collector:4317"])
def test_spans_go_where_a_server_on_this_machine_sends_them(endpoint: str) -> None:
    rendered = render(tracing__otlpEndpoint=endpoint)
    assert set(triton_flags(Collector.at(endpoint))) <= set(rendered.container("server")["args"])
    assert f"--otlp-endpoint={endpoint}" in rendered.container("edge")["args"]


@pytest.mark.parametrize("endpoint", ["collector:4318", "https://collector", "http://collector/v1/traces"])
def test_what_is_no_collector_is_refused(endpoint: str) -> None:
    with pytest.raises(RefusedError, match="otlpEndpoint"):
        render(tracing__otlpEndpoint=endpoint)


def test_http_and_grpc_are_on_loopback_and_no_port_of_theirs_is_named() -> None:
    server = render(listenAddress="::").container("server")
    assert {"--http-address=127.0.0.1", "--grpc-address=127.0.0.1", "--metrics-address=::"} <= set(server["args"])
    assert [port["name"] for port in server["ports"]] == ["metrics"]


def test_the_release_is_read_only_but_for_what_brings_it() -> None:
    pod = render().pod()
    mounts = {
        each["name"]: mount.get("readOnly", False)
        for each in (*pod["initContainers"], *pod["containers"])
        for mount in each["volumeMounts"]
        if mount["name"] == "release"
    }
    assert mounts == {"pull": False, "server": True}


def test_shared_memory_is_sized_and_in_memory() -> None:
    rendered = render(server__sharedMemory="1Gi")
    [volume] = [each for each in rendered.pod()["volumes"] if each["name"] == "shared-memory"]
    assert volume["emptyDir"] == {"medium": "Memory", "sizeLimit": "1Gi"}
    assert {"name": "shared-memory", "mountPath": "/dev/shm"} in rendered.container("server")["volumeMounts"]  # noqa: S108


@pytest.mark.parametrize(
    ("scenario", "resource"),
    [
        ("gpu", "nvidia.com/gpu"),
        ("gpu-mig", "nvidia.com/mig-1g.10gb"),
        ("gpu-time-slicing", "nvidia.com/gpu.shared"),
    ],
)
def test_a_gpu_is_asked_for_by_the_name_of_its_kind(scenario: str, resource: str) -> None:
    rendered = render_scenario(scenario)
    server = rendered.container("server")
    assert server["resources"]["limits"][resource] == 1
    assert server["resources"]["requests"][resource] == 1
    assert "--model-config-name=gpu" in server["args"]
    assert {"name": "engines", "mountPath": "/var/cache/triptych/tensorrt"} in server["volumeMounts"]
    assert {"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule"} in rendered.pod()["tolerations"]


def test_on_cpus_nothing_of_a_gpu_is_left() -> None:
    rendered = render(gpu__runtimeClassName="nvidia", gpu__mode="mig", gpu__nodeSelector={"gpu": "yes"})
    text = str(rendered.pod())
    assert "nvidia" not in text
    assert "engines" not in text
    assert "gpu" not in text


@pytest.mark.parametrize(
    ("scenario", "kind"),
    [("gpu", "persistentVolumeClaim"), ("gpu-mig", "ephemeral"), ("gpu-time-slicing", "emptyDir")],
)
def test_engines_stay_where_they_are_told_to(scenario: str, kind: str) -> None:
    [volume] = [each for each in render_scenario(scenario).pod()["volumes"] if each["name"] == "engines"]
    assert kind in volume


def test_the_start_closes_what_nobody_needs_by_a_key_of_its_own(tmp_path: Path) -> None:
    program = tmp_path / "tritonserver"
    program.write_text('#!/bin/sh\nprintf "%s\\n" "$@"\n')
    program.chmod(0o755)
    script = (CHART / "files" / "start.sh").read_text(encoding="utf-8").replace("/dev/shm", str(tmp_path / "regions"))  # noqa: S108
    (tmp_path / "regions").mkdir()
    (tmp_path / "regions" / "of-the-killed").touch()
    arguments = ["/bin/sh", "-euc", script, "start", "--model-repository=a folder"]
    path = {"PATH": f"{tmp_path}:{os.environ['PATH']}"}
    runs = [subprocess.run(arguments, capture_output=True, text=True, env=path, check=True).stdout for _ in range(2)]
    http, grpc, own = runs[0].splitlines()
    assert own == "--model-repository=a folder"
    assert http.startswith("--http-restricted-api=model-repository,shared-memory,trace,logging:triptych-closed=")
    assert grpc.startswith("--grpc-restricted-protocol=model-repository,shared-memory,trace,logging:triptych-closed=")
    assert runs[0] != runs[1]
    assert list((tmp_path / "regions").iterdir()) == []
