"""The configuration is plain data that the real Envoy takes, warning of nothing."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from certificates import Authority
from triptych_ops.runtime.edge import (
    BOOTSTRAP,
    ApiKey,
    EdgeSettings,
    TlsFiles,
    Upstream,
    configuration,
    find_envoy,
)

_UPSTREAM = Upstream(18000, 18001)


def validated(documents: dict[str, dict[str, Any]], folder: Path) -> subprocess.CompletedProcess[str]:
    """What Envoy says of a configuration."""
    for name, document in documents.items():
        (folder / name).write_text(json.dumps(document), encoding="utf-8")
    command = [str(find_envoy(os.environ)), "--mode", "validate", "-l", "warning", "-c", str(folder / BOOTSTRAP)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


@pytest.mark.parametrize("kind", ["plain", "keys", "tls", "client certificates"])
def test_envoy_takes_it(kind: str, authority: Authority, certificate: tuple[Path, Path], tmp_path: Path) -> None:
    kinds: dict[str, dict[str, Any]] = {
        "plain": {},
        "keys": {"api_keys": (ApiKey("a", "x" * 16),)},
        "tls": {"tls": TlsFiles(*certificate)},
        "client certificates": {"tls": TlsFiles(*certificate, authority.file), "address": "::"},
    }
    done = validated(
        configuration(EdgeSettings(**kinds[kind]), _UPSTREAM, folder=tmp_path, administration=tmp_path / "s"), tmp_path
    )
    assert done.returncode == 0, done.stderr
    assert "warning" not in done.stderr


def test_envoy_refuses_a_planted_fault(tmp_path: Path) -> None:
    documents = configuration(EdgeSettings(), _UPSTREAM, folder=tmp_path)
    documents[BOOTSTRAP]["static_resources"]["clusters"][0]["circuit_breaker"] = {}
    done = validated(documents, tmp_path)
    assert done.returncode == 1
    assert "circuit_breaker" in done.stderr


def test_one_limit_holds_over_both_protocols() -> None:
    documents = configuration(EdgeSettings(), _UPSTREAM, folder=Path("/run/edge"))
    (cluster,) = documents[BOOTSTRAP]["static_resources"]["clusters"]
    assert cluster["circuit_breakers"]["thresholds"][0]["max_requests"] == 32


def test_nothing_listens_but_the_two_ports() -> None:
    bootstrap = configuration(EdgeSettings(), _UPSTREAM, folder=Path("/run/edge"))[BOOTSTRAP]
    addresses = [listener["address"]["socket_address"] for listener in bootstrap["static_resources"]["listeners"]]
    assert [address["port_value"] for address in addresses] == [8080, 8081]
    assert "admin" not in bootstrap


def test_secrets_are_files_of_their_own(authority: Authority, certificate: tuple[Path, Path]) -> None:
    tls = TlsFiles(*certificate, authority.file)
    documents = configuration(EdgeSettings(tls=tls), _UPSTREAM, folder=Path("/run/edge"))
    assert set(documents) == {BOOTSTRAP, "certificate.json", "authorities.json"}
    (secret,) = documents["certificate.json"]["resources"]
    assert secret["tls_certificate"]["watched_directory"] == {"path": str(certificate[0].parent)}
    assert "BEGIN" not in json.dumps(documents)
