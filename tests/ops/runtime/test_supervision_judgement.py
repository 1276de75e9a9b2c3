"""What was seen of a server -> what is wrong with it; seconds are data."""

import pytest

from triptych_ops.runtime.supervision.judgement import Answer, Condition, Limits, Look, Outcome, Suspicion, judge
from triptych_ops.runtime.supervision.progress import Progress

RUNNING, STOPPED, ENDED = Condition.RUNNING, Condition.STOPPED, Condition.ENDED
IDLE = {"preprocess": Progress(answered=5), "classifier": Progress(answered=5)}
BUSY = {"preprocess": Progress(answered=9), "classifier": Progress(answered=9)}
LIMITS = Limits(stopped_s=2, unanswered_s=3, failures=2)
RIGHT = Answer(Outcome.RIGHT, "as known")


def _silent(progress: dict[str, Progress] | None = IDLE) -> Answer:
    return Answer(Outcome.UNANSWERED, "no answer", progress)


def _look(now_s: float, *answers: Answer, stub: Condition = RUNNING) -> Look:
    return Look(now_s, {"tritonserver": RUNNING, "the stub": stub}, answers)


LOOKS: dict[str, tuple[list[Look], str | None]] = {
    "well": ([_look(0), _look(1, RIGHT), _look(2, RIGHT)], None),
    "a stub ended": ([_look(0), _look(1, stub=ENDED)], "the stub ended"),
    "stopped for a moment": ([_look(0, stub=STOPPED), _look(1.9, stub=STOPPED), _look(2.5)], None),
    "stopped twice for a moment": (
        [_look(0, stub=STOPPED), _look(1), _look(2, stub=STOPPED), _look(3.9, stub=STOPPED)],
        None,
    ),
    "stopped": ([_look(0), _look(1, stub=STOPPED), _look(3, stub=STOPPED)], "the stub is stopped, for 2.0 s"),
    "a wrong answer": ([_look(0, Answer(Outcome.WRONG, "class 5"))], "a wrong answer: class 5"),
    "one probe lost": ([_look(0, _silent()), _look(9, RIGHT), _look(10, _silent())], None),
    "two failed within a moment": ([_look(0, _silent()), _look(1, _silent())], None),
    "hangs": (
        [_look(0, _silent()), _look(1, _silent()), _look(4, _silent())],
        "the server hangs, for 4.0 s: no answer",
    ),
    "two at one look": ([_look(5, _silent(), _silent())], None),
    "does not even say": ([_look(0, _silent(None)), _look(4, _silent(None))], "the server does not answer, for 4.0 s"),
    "full": ([_look(0, _silent()), _look(4, _silent(BUSY))], None),
    "full, and then it hangs": (
        [_look(0, _silent()), _look(4, _silent(BUSY)), _look(7, _silent(BUSY))],
        "the server hangs, for 3.0 s",
    ),
    "says again what it did not": ([_look(0, _silent(None)), _look(4, _silent(BUSY))], None),
}


@pytest.mark.parametrize("name", LOOKS)
def test_what_is_wrong(name: str) -> None:
    looks, expected = LOOKS[name]
    suspicion, fault = Suspicion(), None
    for number, look in enumerate(looks, 1):
        suspicion, fault = judge(suspicion, look, LIMITS)
        assert fault is None or number == len(looks)
    assert fault is None if expected is None else (fault or "").startswith(expected)
