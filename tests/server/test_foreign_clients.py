"""Clients that are not ours get the SDK's answers from the real server: its protocol is KServe's and Triton's own."""

import dataclasses
import json
import struct
import subprocess
from pathlib import Path
from typing import Any

import pytest

from commands import Serving
from triptych import Client
from triptych_ops.photographs import PHOTOGRAPHS

from .foreign import environment

CALLER = Path(environment.__file__).with_name("caller.py")
CLIENTS = ("triton_grpc", "triton_grpc_aio", "triton_http", "triton_http_aio", "kserve_grpc", "kserve_rest")
PATHS = [str(photograph.path) for photograph in PHOTOGRAPHS]

Answer = dict[str, Any]


@pytest.fixture(scope="module")
def answers(serving: Serving) -> list[Answer]:
    """What the SDK answers to each photograph."""
    with Client(serving.ports.grpc_url) as client:
        results = [client.classify(path) for path in PATHS]
    assert len({result.top.label for result in results}) == len(PATHS)
    return [dataclasses.asdict(result.top) for result in results]


@pytest.fixture(scope="module")
def python() -> Path:
    """The interpreter of the environment that holds the other clients."""
    try:
        return environment.python()
    except environment.NotInstalledError as error:
        pytest.fail(str(error), pytrace=False)


def address(url: str) -> str:
    return url.partition("://")[2]


@pytest.mark.parametrize("client", CLIENTS)
def test_another_client_gets_the_same_answer(
    python: Path, serving: Serving, answers: list[Answer], client: str
) -> None:
    addresses = address(serving.ports.grpc_url), address(serving.ports.http_url)
    done = subprocess.run(
        [str(python), str(CALLER), client, *addresses, *PATHS],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env=environment.environ(),
    )
    assert done.returncode == 0, done.stderr
    assert [json.loads(line) for line in done.stdout.splitlines()] == [pytest.approx(answer) for answer in answers]


def test_curl_gets_the_same_answer(serving: Serving, answers: list[Answer], tmp_path: Path) -> None:
    url = f"{serving.ports.http_url}/v2/models/image_classifier/infer"
    found = []
    for path in PATHS:
        command = ["curl", "--silent", "--show-error", "--fail", "--data-binary", f"@{path}", url, "--dump-header", "-"]
        header = ["-H", "Inference-Header-Content-Length: 0"]
        done = subprocess.run(
            [*command, *header, "--output", str(tmp_path / "answer")], capture_output=True, text=True, check=True
        )
        headers = dict(line.lower().split(": ", 1) for line in done.stdout.splitlines() if ": " in line)
        found.append(curl_answer((tmp_path / "answer").read_bytes(), int(headers["inference-header-content-length"])))
    assert found == [pytest.approx(answer) for answer in answers]


def curl_answer(body: bytes, header_bytes: int) -> Answer:
    """The best class, read by nothing but the README's words."""
    header = json.loads(body[:header_bytes])
    tensors, start = {}, header_bytes
    for output in header["outputs"]:
        size = output["parameters"]["binary_data_size"]
        tensors[output["name"]] = body[start : start + size]
        start += size
    (label_bytes,) = struct.unpack_from("<I", tensors["LABEL"])
    return {
        "class_id": struct.unpack_from("<i", tensors["CLASS_ID"])[0],
        "label": tensors["LABEL"][4 : 4 + label_bytes].decode(),
        "score": struct.unpack_from("<f", tensors["SCORE"])[0],
    }


def test_packages_that_cannot_be_had_are_one_clear_line(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("UV_OFFLINE", "1")
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "uv"))
    with pytest.raises(environment.NotInstalledError, match=r"cannot be installed: .* failed: ") as caught:
        environment.python()
    assert "\n" not in str(caught.value)
    assert list((tmp_path / "triptych").iterdir()) == []
