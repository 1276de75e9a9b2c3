"""The answers of a server to a part of a run's images."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from triptych import Client, ImageError
from triptych_ops.cli.loopback import loopback_server
from triptych_ops.errors import RefusedError
from triptych_ops.release import Release
from triptych_ops.training import Dataset, Sample
from triptych_ops.training.evaluate import compare, evaluate, time_answers
from triptych_ops.training.report import Model, Served

from .offline import Counted, labels


@dataclass(frozen=True, eq=False)
class ServedScores:
    """Scores (N, C), NaN of the classes beyond the K best, and who gave them."""

    release: int
    scores: NDArray[np.float32]
    seconds: float  # for all images, by the wall clock


@contextmanager
def serving(release: Release) -> Iterator[str]:
    """The URL of a server on loopback that serves the release until the end.

    Raises:
        RefusedError: the release is broken, or does not give its known answer.
    """
    with loopback_server(release) as server:
        server.wait_ready()
        yield server.ports.grpc_url


def model(client: Client, dataset: Dataset, *, own: Model, counted: Counted) -> tuple[Model, Served]:
    """What a server answers, and how that agrees with the run's own network.

    Raises:
        RefusedError, TriptychError: as `ask`.
    """
    answers = ask(client, dataset, advance=counted("asking the server", len(dataset)))

    def answer(samples: Sequence[Sample]) -> object:
        return [client.classify(sample.read()) for sample in samples]

    speed = time_answers(answer, dataset.samples, together_s=answers.seconds, together=len(dataset))
    found = Model(
        name=f"release {answers.release}, served",
        evaluation=evaluate(answers.scores, labels(dataset), dataset.classes),
        scores=answers.scores,
        speed=speed,
    )
    names = [sample.name for sample in dataset.samples]
    return found, Served(answers.release, compare(own.scores, answers.scores, names))


def ask(client: Client, dataset: Dataset, *, advance: Callable[[int], None]) -> ServedScores:
    """Classify every sample, in order.

    Raises:
        RefusedError: the server refuses an image, or has other labels than the dataset.
        TriptychError: it does not answer.
    """
    scores = np.full((len(dataset), len(dataset.classes)), np.nan, np.float32)
    start, release = time.perf_counter(), 0
    contents = (sample.read() for sample in dataset.samples)
    for place, answer in enumerate(client.classify_many(contents)):
        name = dataset.samples[place].name
        if isinstance(answer, ImageError):
            raise RefusedError(f"the server refuses {name}: {answer}")
        if release and answer.release != release:
            raise RefusedError(f"releases {release} and {answer.release} both answer; evaluate one after the other")
        release = answer.release
        for prediction in answer.predictions:
            _require_label(prediction.class_id, prediction.label, dataset.classes, release)
            scores[place, prediction.class_id] = prediction.score
        advance(1)
    return ServedScores(release, scores, time.perf_counter() - start)


def _require_label(class_id: int, label: str, classes: Sequence[str], release: int) -> None:
    if class_id >= len(classes) or classes[class_id] != label:
        raise RefusedError(f"release {release} calls class {class_id} {label!r}; it was not built from this run")
