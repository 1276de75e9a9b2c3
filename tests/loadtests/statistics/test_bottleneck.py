"""Each sentence for its case, and none for another."""

from dataclasses import replace

import pytest

from loadtests.statistics import Circumstances, Member, bottleneck

IDLE = Member(
    name="preprocess",
    instances=1,
    requests=1000,
    failed=0,
    queue_s=0.0005,
    input_s=0.0001,
    infer_s=0.002,
    output_s=0.0001,
    batch=1.0,
    busy_share=0.1,
)
CLASSIFIER = replace(IDLE, name="classifier", instances=2, infer_s=0.01, busy_share=0.4)
MEMBERS = (IDLE, CLASSIFIER, replace(IDLE, name="postprocess"))
QUIET = Circumstances(answered=1000, refused=0, mean_s=0.018, machine_share=0.5, same_machine=True)


def of_classifier(**changes: float) -> tuple[Member, ...]:
    return (MEMBERS[0], replace(CLASSIFIER, **changes), MEMBERS[2])  # type: ignore[arg-type]


CASES = {
    "nothing answered": (MEMBERS, replace(QUIET, answered=0), "Not one request was answered rightly"),
    "not told": ((), QUIET, "does not tell its statistics"),
    "not told, busy": (
        (),
        replace(QUIET, machine_share=0.97),
        "cores were busy 97% of the time",
    ),
    "not told, far away": ((), replace(QUIET, machine_share=0.97, same_machine=False), "does not tell its statistics"),
    "a busy member": (
        of_classifier(busy_share=0.97, queue_s=0.08),
        QUIET,
        "its 2 instances were at work 97% of the time, and a request waited 80.0 ms for 10.2 ms",
    ),
    "a busy lone instance": (
        (replace(IDLE, busy_share=0.9), *MEMBERS[1:]),
        QUIET,
        "preprocess is the bottleneck: its one instance was at work 90% of the time",
    ),
    "cores": (MEMBERS, replace(QUIET, machine_share=0.95), "The machine's cores are the bottleneck"),
    "cores of another machine are not the server's": (
        MEMBERS,
        replace(QUIET, machine_share=0.95, same_machine=False),
        "Nothing was at its limit",
    ),
    "turned away": (MEMBERS, replace(QUIET, refused=50), "A limit before the members is the bottleneck: 50 requests"),
    "bursts": (
        of_classifier(queue_s=0.05),
        replace(QUIET, mean_s=0.07),
        "wait for classifier, 50.0 ms of 70.0 ms",
    ),
    "outside": (MEMBERS, replace(QUIET, mean_s=0.1), "outside of the members: 83.9 ms of 100.0 ms"),
    "nothing": (MEMBERS, QUIET, "Nothing was at its limit: most of a request's 18.0 ms is classifier's work, 10.2 ms"),
}


@pytest.mark.parametrize(("members", "seen", "words"), CASES.values(), ids=CASES)
def test_a_sentence_a_case(members: tuple[Member, ...], seen: Circumstances, words: str) -> None:
    said = bottleneck(members, seen)
    assert words in said
    assert said.endswith(".")
    assert "\n" not in said
