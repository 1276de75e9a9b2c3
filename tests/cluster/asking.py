"""Asks what runs on the cluster, as users do."""

import json
import time
from pathlib import Path

from cluster import gateway
from cluster.addresses import NODE
from commands import triptych

GATEWAY_URLS = {"http": f"http://{NODE}:{gateway.HTTP_PORT}", "grpc": f"grpc://{NODE}:{gateway.GRPC_PORT}"}
"""Of the Gateway, by protocol."""

_ROUTED_S = 20


def classify(photograph: Path, url: str) -> tuple[int, int]:
    """The release that answers and the class it says, once the way there is known to everybody on it."""
    deadline = time.monotonic() + _ROUTED_S
    while (done := triptych("classify", photograph, "--url", url, "--json")).returncode != 0:
        assert time.monotonic() < deadline, done.stderr
        time.sleep(0.5)
    answer = json.loads(done.stdout)
    return answer["release"], answer["predictions"][0]["class_id"]
