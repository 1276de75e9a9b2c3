"""Does a server that gives no answer get on with its work? Told by Triton's own counters of each member.

A server that is full answers late, and one whose clients hang up answers nobody, but its members work. A member that
hangs or fails holds up whatever others do. Counters as in
https://docs.nvidia.com/deeplearning/triton-inference-server/user-guide/docs/user_guide/metrics.html
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from urllib.parse import urlsplit

from triptych import contract

_TIMEOUT_S = 2.0  # they come from memory
_SAMPLE = re.compile(
    r"^nv_inference_(?P<what>request_success|request_failure|pending_request_count)\{(?P<labels>.*)\} (?P<value>\d+)$",
    re.MULTILINE,
)
_LABEL = re.compile(r'(\w+)="([^"]*)"')
_GIVEN_UP = ("CANCELED", "REJECTED")  # the client hung up, or the queue is full: no fault of the member


@dataclass(frozen=True, slots=True)
class Progress:
    """Requests of one member since the server's start; `waiting` are those in its queue now."""

    answered: int = 0
    given_up: int = 0
    failed: int = 0
    waiting: int = 0


def read_progress(metrics_url: str) -> Mapping[str, Progress] | None:
    """The progress of each member, from the server's metrics; None where they cannot be read."""
    url = urlsplit(metrics_url)
    connection = HTTPConnection(url.hostname or "", url.port, timeout=_TIMEOUT_S)  # knows no proxy
    try:
        connection.request("GET", url.path)
        return parse(connection.getresponse().read().decode())
    except (OSError, HTTPException, UnicodeDecodeError):
        return None
    finally:
        connection.close()


def parse(metrics: str) -> Mapping[str, Progress]:
    """The progress of each member, from Prometheus' text format."""
    counts = {member: dict.fromkeys(("answered", "given_up", "failed", "waiting"), 0) for member in contract.MEMBERS}
    for sample in _SAMPLE.finditer(metrics):
        labels = dict(_LABEL.findall(sample["labels"]))
        if labels.get("model") in counts:
            counts[labels["model"]][_field(sample["what"], labels)] += int(sample["value"])
    return {member: Progress(**fields) for member, fields in counts.items()}


def stuck(earlier: Mapping[str, Progress] | None, now: Mapping[str, Progress] | None) -> str | None:
    """What holds the server up, as a sentence; None where it gets on with its work, or nobody can say."""
    if earlier is None or now is None:
        return "the server does not answer" if earlier is now else None
    for member, progress in now.items():
        before = earlier[member]
        if progress.answered > before.answered:
            continue
        if progress.failed > before.failed:
            return f"{member} fails"
        if progress.waiting and before.waiting and progress.given_up == before.given_up:
            return f"{member} hangs"
    if all(_done(progress) == _done(earlier[member]) for member, progress in now.items()):
        return "the server hangs"
    return None


def _field(what: str, labels: Mapping[str, str]) -> str:
    if what == "request_failure":
        return "given_up" if labels.get("reason") in _GIVEN_UP else "failed"
    return "answered" if what == "request_success" else "waiting"


def _done(progress: Progress) -> tuple[int, int]:
    return progress.answered, progress.given_up
