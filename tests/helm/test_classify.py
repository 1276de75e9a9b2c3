"""What `helm test` runs, against a server here."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from helm.chart import CHART
from triptych.testing import FakeServer


@pytest.fixture
def script(tmp_path: Path) -> Path:
    """The script beside its picture, with `tmp_path / "etc"` for what is mounted."""
    text = (CHART / "files" / "classify.py").read_text(encoding="utf-8")
    path = tmp_path / "classify.py"
    path.write_text(text.replace("/etc/triptych", str(tmp_path / "etc")), encoding="utf-8")
    (tmp_path / "coffee.jpg").write_bytes((CHART / "files" / "coffee.jpg").read_bytes())
    return path


def _run(script: Path, *urls: str, expected: str = "") -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "EXPECTED_LABEL": expected}
    command = [sys.executable, str(script), *urls]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)


def test_it_asks_each_server_shows_its_key_and_says_what_it_was_told(script: Path) -> None:
    keys = script.parent / "etc" / "api-keys" / "keys"
    keys.parent.mkdir(parents=True)
    keys.write_text("# ours\n\ntest: a-key-of-sixteen-characters\nother: not-this-one-at-all\n", encoding="utf-8")
    with FakeServer(release=7) as server:
        result = _run(script, server.http_url, server.grpc_url)
        assert result.returncode == 0, result.stderr
        lines = result.stdout.splitlines()
        assert [line.split(": ")[:2] for line in lines] == [
            [server.http_url, "release 7"],
            [server.grpc_url, "release 7"],
        ]
        assert [headers["x-api-key"] for headers in server.headers] == 2 * ["a-key-of-sixteen-characters"]


def test_it_fails_where_the_label_is_not_among_the_answers_or_nobody_answers(script: Path) -> None:
    with FakeServer() as server:
        result = _run(script, server.http_url, expected="no such label")
        url = server.grpc_url
    assert result.returncode == 1
    assert "no such label is not among" in result.stderr
    assert _run(script, url.replace("127.0.0.1", "127.0.0.2")).returncode == 1
