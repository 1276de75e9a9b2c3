"""What answers say of a server that something else replaces."""

from triptych_ops.runtime.supervision.judgement import Answer, Limits, Outcome
from triptych_ops.runtime.supervision.progress import Progress
from triptych_ops.runtime.supervision.verdict import Verdict

_RIGHT, _WRONG = Answer(Outcome.RIGHT, "as known"), Answer(Outcome.WRONG, "another class")
_LIMITS = Limits()


def _silent(answered: int, failed: int = 0) -> Answer:
    return Answer(Outcome.UNANSWERED, "no answer", {"classifier": Progress(answered=answered, failed=failed)})


def _after(*answers: Answer) -> Verdict:
    """One answer every two seconds."""
    verdict = Verdict()
    for turn, answer in enumerate(answers):
        verdict = verdict.after(answer, 2.0 * turn, _LIMITS)
    return verdict


def test_nothing_is_ready_before_it_was_asked_and_nothing_is_to_be_replaced() -> None:
    assert Verdict().kind == (False, False)


def test_a_right_answer_is_ready() -> None:
    assert _after(_RIGHT).kind == (True, False)
    assert _after(_RIGHT).reason == "as known"


def test_a_wrong_answer_is_to_be_replaced_at_once() -> None:
    assert _after(_RIGHT, _WRONG).kind == (False, True)


def test_a_server_that_does_nothing_is_not_ready_at_once_and_to_be_replaced_after_a_while() -> None:
    assert _after(_RIGHT, _silent(7)).kind == (False, False)
    assert _after(_RIGHT, _silent(7), _silent(7), _silent(7)).kind == (False, True)
    assert _after(_RIGHT, _silent(7), _silent(7, 1), _silent(7, 2)).fault == "classifier fails, for 4.0 s: no answer"


def test_a_server_that_is_full_is_never_to_be_replaced() -> None:
    assert _after(_RIGHT, *(_silent(10 * turn) for turn in range(20))).kind == (False, False)


def test_a_replacement_is_well_once_it_answers() -> None:
    assert _after(_RIGHT, _silent(7), _silent(7), _silent(7), _RIGHT).kind == (True, False)
    assert _after(_WRONG, _silent(0), _RIGHT).kind == (True, False)
