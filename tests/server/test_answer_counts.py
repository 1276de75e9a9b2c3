"""What models count, on the real Triton: every instance's answers, in the same counters."""

import os
import re
import shutil
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path

import pytest

from releases import publish_sound
from triptych import Client, health
from triptych_ops.release import Store
from triptych_ops.runtime import Ports, Server, find_installation

_CALLS = 60  # of each protocol
_INSTANCES = 3
_START_S = 60.0
_WITHIN_S = 10.0
_SAMPLE = re.compile(r"^(triptych_\w+)\{(.*)\} (\S+)$", re.MULTILINE)

Change = Callable[[Path], None]


def test_instances_add_up_and_health_is_no_answer(small: Path) -> None:
    with _served(small) as server:
        asked = _asked(server.ports)
        counted = _settled(server.ports, asked)
        text = _metrics(server.ports)
    assert counted == asked
    assert _sum(text, "triptych_predictions_total") == asked
    assert _sum(text, "triptych_top_score_bucket", 'le="+Inf"') == asked
    assert _sum(text, "triptych_image_errors_total", 'code="not_an_image"') == 2
    assert 'class="Zürich"' in text
    print(f"{asked:.0f} images at {_INSTANCES} instances, {asked:.0f} counted")


def test_counters_that_instances_overwrite_would_be_found(small: Path) -> None:
    def overwrite(repository: Path) -> None:
        *files, file = repository.glob("*/*/counters.py")  # one kind for all models, or Triton aborts
        text = file.read_text(encoding="utf-8")
        alone = "self.own = getattr(self, 'own', {}); self.own[counted] = self.own.get(counted, 0) + amount; "
        text = text.replace("MetricFamily.COUNTER", "MetricFamily.GAUGE")
        changed = text.replace(
            "self._counter(counted).increment(amount)", f"{alone}self._counter(counted).set(self.own[counted])"
        )
        assert changed != text
        for each in (*files, file):
            each.write_text(changed, encoding="utf-8")

    with _served(small, overwrite) as server:
        asked = _asked(server.ports)
        time.sleep(5)
        assert _sum(_metrics(server.ports), "triptych_top_score_count") < asked


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    store = Store(tmp_path_factory.mktemp("small"))
    return publish_sound(store, 7).folder / "repository"


def _served(repository: Path, change: Change = lambda _: None) -> Server:
    def copy(folder: Path) -> None:
        shutil.copytree(repository, folder)
        for model in ("preprocess", "postprocess"):
            config = folder / model / "config.pbtxt"
            text, changes = re.subn(r"count: 1\b", f"count: {_INSTANCES}", config.read_text(encoding="utf-8"))
            assert changes
            config.write_text(text, encoding="utf-8")
        change(folder)

    return Server(find_installation(os.environ), copy, Ports.free())


def _asked(ports: Ports) -> float:
    """Ask for classes, and in between for health; how many images were answered."""
    answered = 0
    for url in (ports.grpc_url, ports.http_url):
        with Client(url) as client:
            _wait(client)
            results = list(client.classify_many([health.image()] * _CALLS, batch_size=1, concurrency=6))
            answered += sum(hasattr(result, "top") for result in results)
            assert client.health().answered
            assert client.release().model_version == "7"
            list(client.classify_many([b"x"]))
    assert answered == 2 * _CALLS
    return float(answered)


def _wait(client: Client) -> None:
    """Until it answers; this small network knows no right answer."""
    deadline = time.monotonic() + _START_S
    while not client.health().answered:
        assert time.monotonic() < deadline
        time.sleep(0.1)


def _settled(ports: Ports, expected: float) -> float:
    """What is counted, once nothing more comes."""
    deadline = time.monotonic() + _WITHIN_S
    counted = -1.0
    while time.monotonic() < deadline and counted < expected:
        time.sleep(0.2)
        counted = _sum(_metrics(ports), "triptych_top_score_count")
    time.sleep(2.5)  # one more interval: nothing is counted twice
    return _sum(_metrics(ports), "triptych_top_score_count")


def _metrics(ports: Ports) -> str:
    with urllib.request.urlopen(ports.metrics_url, timeout=5) as answer:
        text: str = answer.read().decode()
        return text


def _sum(text: str, name: str, label: str = "") -> float:
    return sum(float(value) for family, labels, value in _SAMPLE.findall(text) if family == name and label in labels)
