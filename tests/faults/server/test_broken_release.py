"""Case 10: releases that are broken, each in its way, are started beside one that is good."""

import shutil
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from commands import Serving
from traffic.closed import Load
from triptych_ops.release import Store, digest

from .served import Watched

REASON_WITHIN_S = 60.0


def _wrong_answer(repository: Path) -> None:
    config = repository / "image_classifier" / "config.pbtxt"
    text = config.read_text()
    assert 'string_value: "967"' in text
    config.write_text(text.replace('string_value: "967"', 'string_value: "968"'))


def _broken_graph(repository: Path) -> None:
    graph = repository / "classifier" / "1" / "model.onnx"
    graph.write_bytes(graph.read_bytes()[: 1 << 20])


def _raises_on_import(repository: Path) -> None:
    source = repository / "postprocess" / "1" / "model.py"
    source.write_text('raise RuntimeError("planted")\n' + source.read_text())


def _ends_its_stub(repository: Path) -> None:
    source = repository / "preprocess" / "1" / "model.py"
    source.write_text("import os\nos._exit(7)\n" + source.read_text())


def _never_starts(repository: Path) -> None:
    source = repository / "preprocess" / "1" / "model.py"
    source.write_text("import time\ntime.sleep(3600)\n" + source.read_text())


BROKEN: dict[str, tuple[Callable[[Path], None], str]] = {
    "a wrong answer": (_wrong_answer, "the known answer is class 968"),
    "half a graph": (_broken_graph, "model.onnx"),
    "raises on import": (_raises_on_import, "planted"),
    "ends its stub": (_ends_its_stub, "preprocess"),
    "never starts": (_never_starts, "it was still loading preprocess"),
}


@pytest.mark.timeout(300)
def test_the_good_one_serves_and_the_reason_is_shown(store: Path, tmp_path: Path) -> None:
    good = tmp_path / "good"
    good.mkdir()
    with Watched(store, good) as serving:
        urls = [serving.ports.grpc_url, serving.ports.http_url]
        with Load(urls, timeout_s=10) as load, ThreadPoolExecutor(len(BROKEN)) as pool:
            ended = dict(zip(BROKEN, pool.map(lambda kind: _start(kind, store, tmp_path), BROKEN), strict=True))
        assert serving.said == []
    for kind, (status, words, seconds) in ended.items():
        assert status in (1, 4, 5), (kind, words)
        assert BROKEN[kind][1] in words.splitlines()[-1], (kind, words)
        assert seconds <= REASON_WITHIN_S, (kind, seconds)
    assert load.outcomes().keys() == {"right"}, load.outcomes()
    slowest = max(ended, key=lambda kind: ended[kind][2])
    print(
        f"case 10: {len(load.calls)} of {len(load.calls)} answered by the good release beside {len(BROKEN)} broken "
        f"ones; each reason shown within {ended[slowest][2]:.1f} s (<= {REASON_WITHIN_S:g}), the last by {slowest!r}"
    )


def _start(kind: str, store: Path, folder: Path) -> tuple[int, str, float]:
    """Serve a broken copy of release 1 to its end; exit status, what it said, seconds."""
    own = folder / kind.replace(" ", "-")
    scratch = own / "scratch"
    scratch.mkdir(parents=True)
    broken = own / "store"
    shutil.copytree(store / "releases" / "1", broken / "releases" / "1")
    BROKEN[kind][0](broken / "releases" / "1" / "repository")
    release = Store(broken).release("1")
    files = {name: digest(release.folder / name) for name in release.manifest.files}
    release.manifest.model_copy(update={"files": files}).write(release.folder / "release.json")
    serving = Serving(broken, scratch)
    began_s = time.monotonic()
    serving.start()
    _, said = serving.process.communicate(timeout=120)
    return serving.process.returncode, said, time.monotonic() - began_s
