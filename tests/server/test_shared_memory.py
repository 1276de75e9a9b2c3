"""`triptych serve` with little shared memory, on a /dev/shm of its own."""

import io
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from commands import TRIPTYCH
from small_disk import needs_root
from triptych import Classification, Client, ServerError
from triptych_ops.runtime import Ports, Sizing
from triptych_ops.runtime.shared_memory import needed_bytes

MIB = 1024 * 1024
BODY = 64 * MIB
pytestmark = needs_root


@contextmanager
def serving(store: Path, scratch: Path, *, size_bytes: int) -> Iterator[tuple[str, Path]]:
    """A server in a mount namespace with a /dev/shm of this size: its URL, and what it says on stderr."""
    ports, words = Ports.free(), scratch / "stderr"
    serve = (
        f"{TRIPTYCH} serve --store {store} --http-port {ports.http} --grpc-port {ports.grpc} "
        f"--metrics-port {ports.metrics} --preprocess-instances 1"
    )
    script = f"mount -t tmpfs -o size={size_bytes} tmpfs /dev/shm || exit 77; exec {serve}"
    with words.open("wb") as file:
        process = subprocess.Popen(["unshare", "--mount", "sh", "-c", script], stdout=subprocess.PIPE, stderr=file)
    try:
        assert process.stdout is not None
        if not process.stdout.readline().startswith(b"ready"):
            if process.wait(timeout=30) == 77:
                pytest.skip("this machine lets nobody mount a tmpfs")
            raise AssertionError(words.read_text())
        yield ports.grpc_url, words
    finally:
        process.terminate()
        process.communicate(timeout=60)


def images(total_bytes: int, count: int = 8) -> list[bytes]:
    """PNGs of noise, together about so many bytes, and no more."""
    side = int((total_bytes / count / 3 * 0.99) ** 0.5)
    random = np.random.default_rng(0)
    found = []
    for _ in range(count):
        file = io.BytesIO()
        Image.fromarray(random.integers(0, 256, (side, side, 3), dtype=np.uint8)).save(file, "PNG", compress_level=0)
        found.append(file.getvalue())
    assert 0.95 * total_bytes < sum(map(len, found)) <= total_bytes
    return found


def classify(url: str, total_bytes: int) -> None:
    time.sleep(1)  # so that no request of the supervisor comes between
    with Client(url, timeout_s=60) as client:
        found = list(client.classify_many(images(total_bytes), batch_size=8))
    assert all(isinstance(each, Classification) for each in found)


def test_a_small_one_is_said_at_the_start_and_the_words_are_true(store: Path, tmp_path: Path) -> None:
    with serving(store, tmp_path, size_bytes=64 * MIB) as (url, words):
        said = words.read_text()
        assert said.startswith("warning: /dev/shm has 64 MiB; requests of 64 MiB on all instances at once need ")
        assert said.count("\n") == 1
        classify(url, 10 * MIB)
        with pytest.raises(ServerError):
            classify(url, BODY)


def test_what_is_said_to_be_needed_is_enough(store: Path, tmp_path: Path) -> None:
    """For the worst order of requests, the second a little larger than the first."""
    repository = shutil.copytree(store / "releases" / "1" / "repository", tmp_path / "repository")
    Sizing.of_machine().changed(preprocess_instances=1).apply(repository)
    needed = needed_bytes(repository, body_bytes=BODY)
    with serving(store, tmp_path, size_bytes=needed) as (url, words):
        assert words.read_text() == ""
        classify(url, BODY - 4 * MIB)
        classify(url, BODY)
