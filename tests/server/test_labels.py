"""Labels with characters that other formats give a meaning to come through the real server as they are."""

import os
import shutil
import time
import urllib.request
from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families

import releases
from triptych import Classification, Client, TriptychError
from triptych_ops.photographs import PHOTOGRAPHS
from triptych_ops.runtime import Ports, Server, find_installation

_LABELS = ('say "cheese"', "back\\slash\\n", 'comma, {brace="x"} 1', "=1+1", "Zürich \N{SNOWMAN}", "a" * 5000)


def test_labels_are_the_same_in_answers_and_in_metrics(tmp_path: Path) -> None:
    """Unescaped, a quote in a label would end the whole scrape, so that every metric of the server was gone."""
    releases.write_sound(tmp_path, 1, labels=_LABELS)

    def copy(folder: Path) -> None:
        shutil.copytree(tmp_path / "repository", folder)

    with Server(find_installation(os.environ), copy, Ports.free()) as server:
        for url in (server.ports.grpc_url, server.ports.http_url):
            with Client(url) as client:
                predictions = _first_answer(client, server).predictions
                assert {each.label for each in predictions} <= set(_LABELS)
                assert [each.label for each in predictions] == [_LABELS[each.class_id] for each in predictions]
        time.sleep(3)  # counted each two seconds
        with urllib.request.urlopen(server.ports.metrics_url) as page:
            families = {each.name: each for each in text_string_to_metric_families(page.read().decode())}
    counted = {sample.labels["class"]: sample.value for sample in families["triptych_predictions"].samples}
    assert set(counted) == set(_LABELS)
    assert sum(counted.values()) == 2


def _first_answer(client: Client, server: Server) -> Classification:
    """Return the answer to the first image once the server takes requests."""
    deadline = time.monotonic() + 60
    while True:
        server.check_alive()
        try:
            return client.classify(PHOTOGRAPHS[0].path)
        except TriptychError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)
