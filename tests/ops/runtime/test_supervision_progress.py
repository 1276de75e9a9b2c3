"""Triton's counters -> does it get on with its work?"""

import pytest

from triptych_ops.runtime.supervision.progress import Progress, parse, read_progress, stuck

METRICS = """\
# HELP nv_inference_request_success Number of successful inference requests, all batch sizes
# TYPE nv_inference_request_success counter
nv_inference_request_success{model="image_classifier",version="1"} 99
nv_inference_request_success{model="preprocess",version="7"} 12
nv_inference_request_success{version="7",model="classifier"} 5
nv_inference_request_failure{model="classifier",reason="BACKEND",version="7"} 1
nv_inference_request_failure{model="classifier",reason="OTHER",version="7"} 2
nv_inference_request_failure{model="classifier",reason="CANCELED",version="7"} 3
nv_inference_request_failure{model="classifier",reason="REJECTED",version="7"} 4
nv_inference_pending_request_count{model="classifier",version="7"} 6
nv_inference_request_duration_us{model="classifier",version="7"} 1000
nv_cpu_utilization 0.5
"""


def test_the_counters_are_read() -> None:
    assert parse(METRICS) == {
        "preprocess": Progress(answered=12),
        "classifier": Progress(answered=5, given_up=7, failed=3, waiting=6),
        "postprocess": Progress(),
    }


def test_a_server_that_is_not_there_says_nothing() -> None:
    assert read_progress("http://127.0.0.1:9/metrics") is None


OTHER = {"preprocess": (Progress(answered=5), Progress(answered=9))}
STUCK: dict[str, tuple[dict[str, tuple[Progress, Progress]], str | None]] = {
    "answers": (OTHER, None),
    "nothing moves": ({"preprocess": (Progress(answered=5), Progress(answered=5))}, "the server hangs"),
    "clients hang up": ({"preprocess": (Progress(given_up=5), Progress(given_up=9, waiting=3))}, None),
    "a member has nothing to do": ({**OTHER, "classifier": (Progress(), Progress())}, None),
    "a member has work and does none": (
        {**OTHER, "classifier": (Progress(answered=2, waiting=1), Progress(answered=2, waiting=4))},
        "classifier hangs",
    ),
    "a member has work since now": (
        {**OTHER, "classifier": (Progress(answered=2), Progress(answered=2, waiting=4))},
        None,
    ),
    "a member's work is given up": (
        {**OTHER, "classifier": (Progress(waiting=1), Progress(given_up=8, waiting=1))},
        None,
    ),
    "a member fails": (
        {**OTHER, "classifier": (Progress(answered=2), Progress(answered=2, failed=1))},
        "classifier fails",
    ),
    "a member fails and answers": (
        {**OTHER, "classifier": (Progress(answered=2), Progress(answered=3, failed=1))},
        None,
    ),
}


@pytest.mark.parametrize("name", STUCK)
def test_what_holds_it_up(name: str) -> None:
    members, expected = STUCK[name]
    earlier = {member: before for member, (before, _) in members.items()}
    assert stuck(earlier, {member: now for member, (_, now) in members.items()}) == expected


def test_who_says_nothing_twice_does_not_answer() -> None:
    progress = parse(METRICS)
    assert stuck(None, None) == "the server does not answer"
    assert stuck(None, progress) is None
    assert stuck(progress, None) is None
