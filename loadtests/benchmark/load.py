"""What is asked of a server, and what came of it."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from .http_messages import Answer, Frame, MalformedAnswerError, parse_answer


@dataclass(frozen=True, slots=True)
class Question:
    """A prebuilt request and the classes that are right: more than one where the best are as good as equal."""

    request: bytes
    right: frozenset[int]


ReadClass = Callable[[Answer], int]
"""The best class of an answer with status 200; raises ValueError, KeyError or IndexError where there is none."""


@dataclass(frozen=True, slots=True)
class Received:
    """An answer as it came, to be judged when nothing is measured."""

    question: Question
    latency_s: float
    data: bytearray
    frame: Frame


@dataclass(frozen=True, slots=True)
class Load:
    """What a measured window saw."""

    per_s: float  # right answers a second
    latencies_s: tuple[float, ...]  # of right answers that came inside the window
    errors: Mapping[str, int]  # what was wrong -> how many times, warm-up included
    answers: int  # right ones of the whole loop, from warm-up to the last
    generator_s: float = 0.0  # CPU time of the load generator inside the window

    @property
    def generator_s_per_request(self) -> float:
        """CPU time of the load generator for one request."""
        return self.generator_s / max(1, len(self.latencies_s))


def judge(answer: Answer, question: Question, read_class: ReadClass) -> str | None:
    """What is wrong with an answer; None where it is right."""
    if answer.status != 200:
        return f"status {answer.status}: {answer.body[:80]!r}"
    try:
        class_id = read_class(answer)
    except (ValueError, KeyError, IndexError) as error:
        return f"an answer that names no class: {error!r}"[:120]
    return None if class_id in question.right else f"class {class_id} instead of {sorted(question.right)}"


def judge_all(received: Iterable[Received], read_class: ReadClass) -> tuple[tuple[float, ...], Counter[str]]:
    """The latencies of the right answers, and what was wrong with the others."""
    latencies_s, errors = [], Counter[str]()
    for item in received:
        try:
            wrong = judge(parse_answer(item.data, item.frame), item.question, read_class)
        except MalformedAnswerError as error:
            wrong = str(error)
        if wrong is None:
            latencies_s.append(item.latency_s)
        else:
            errors[wrong] += 1
    return tuple(latencies_s), errors
