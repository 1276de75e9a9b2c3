import importlib
import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import releases
from loadtests.benchmark.limit import InProcess
from loadtests.benchmark.scenarios import LIMITS, Scenario
from loadtests.release_pipeline import RELEASE_VARIABLE, ReleasePipeline
from triptych_ops.release import Store


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small release."""
    store = tmp_path_factory.mktemp("store")
    return Path(releases.publish_sound(Store(store), 7).location)


@pytest.fixture(scope="module")
def body() -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(np.full((40, 50, 3), 90, np.uint8)).save(buffer, "JPEG")
    return buffer.getvalue()


def test_a_release_classifies_without_a_server(folder: Path, body: bytes) -> None:
    before = sorted(folder.rglob("*"))
    rows = ReleasePipeline(folder).classify(body)
    assert len(rows) == 2  # the release's K
    assert rows[0].class_id == 0  # its logits are all equal
    assert rows[0].score == pytest.approx(1 / len(releases.LABELS))
    assert rows[0].label == releases.LABELS[0]
    assert sorted(folder.rglob("*")) == before  # a release never changes, not by bytecode either


def test_either_engine_gives_the_same_scores(folder: Path, body: bytes) -> None:
    first, second = (ReleasePipeline(folder, openvino=openvino).classify(body) for openvino in (False, True))
    assert [(row.class_id, row.label) for row in first] == [(row.class_id, row.label) for row in second]
    assert [row.score for row in first] == pytest.approx([row.score for row in second], abs=1e-6)


@pytest.mark.parametrize("name", LIMITS)
def test_the_limit_works_in_processes_of_its_own(name: str, folder: Path, body: bytes) -> None:
    with InProcess(name, folder, {"typical": [body]}, cores=2) as limit:
        lone = limit.measure(Scenario("1", 1), seconds=0.1)
        all_cores = limit.measure(Scenario("16", 16), seconds=0.1)
        assert len(limit.processes()) == 2
    assert lone.answers > 10
    assert lone.per_s == pytest.approx(lone.answers / sum(lone.latencies_s))
    assert sum(all_cores.latencies_s) > 1.5 * sum(lone.latencies_s)


def test_the_flask_peer_answers_as_the_pipeline(folder: Path, body: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(RELEASE_VARIABLE, str(folder))
    flask_app = importlib.import_module("loadtests.peers.flask_app")
    answer = flask_app.app.test_client().post("/classify", data=body)
    assert answer.status_code == 200
    assert answer.json == ReleasePipeline(folder).classify_as_json(body)
