"""The answers of a run's own network, and of the baseline beside it."""

import time
from collections.abc import Callable, Sequence

from triptych_ops import training
from triptych_ops.training import Dataset, Run, Sample, baseline
from triptych_ops.training.evaluate import evaluate, time_answers
from triptych_ops.training.report import Model

Counted = Callable[[str, int], Callable[[int], None]]
"""A step's name and size -> what takes each number of images done."""


def network(run: Run, dataset: Dataset, *, counted: Counted) -> Model:
    """The network of the run's best epoch."""
    model = training.load_model(run)
    advance = counted("asking the network", len(dataset))
    start = time.perf_counter()
    scores = training.probabilities(model, dataset, advance=advance)
    seconds = time.perf_counter() - start

    def answer(samples: Sequence[Sample]) -> object:
        return training.probabilities(model, _of(dataset, samples))

    return Model(
        name=f"{run.record.architecture}, torch",
        evaluation=evaluate(scores, labels(dataset), dataset.classes),
        scores=scores,
        speed=time_answers(answer, dataset.samples, together_s=seconds, together=len(dataset)),
    )


def machine(run: Run, dataset: Dataset, descriptors: Sequence[str], *, counted: Counted) -> Model:
    """A support vector machine on hand-made features of the run's training images."""
    trained_on = run.part("train", source=dataset.source)
    fitted = baseline.fit(trained_on, descriptors, advance=counted("fitting the baseline", len(trained_on)))
    advance = counted("asking the baseline", len(dataset))
    start = time.perf_counter()
    scores = fitted.scores(dataset, advance=advance)
    seconds = time.perf_counter() - start

    def answer(samples: Sequence[Sample]) -> object:
        return fitted.scores(_of(dataset, samples))

    return Model(
        name=f"SVM on {' + '.join(descriptors)}",
        evaluation=evaluate(scores, labels(dataset), dataset.classes),
        scores=scores,
        speed=time_answers(answer, dataset.samples, together_s=seconds, together=len(dataset)),
        probabilities=False,
    )


def labels(dataset: Dataset) -> list[int]:
    """The class of each sample."""
    return [sample.label for sample in dataset.samples]


def _of(dataset: Dataset, samples: Sequence[Sample]) -> Dataset:
    return Dataset(dataset.source, dataset.format, dataset.classes, tuple(samples))
