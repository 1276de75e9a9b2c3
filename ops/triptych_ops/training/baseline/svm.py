"""Descriptors + support vector machine, by scikit-learn."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from triptych_ops import export

from ..data import Dataset
from ..features import describe

_C = 10.0  # of images that a person labelled few are wrong


@dataclass(frozen=True)
class Baseline:
    """A fitted machine over named descriptors."""

    descriptors: tuple[str, ...]
    classes: int
    _machine: Pipeline

    def scores(
        self, dataset: Dataset, *, advance: Callable[[int], None] = lambda _: None
    ) -> NDArray[np.float32]:  # -> (N, C)
        """Shares of the classes for each sample, in order: softmax of the machine's one-against-rest decisions.

        They rank the classes; they are no calibrated probabilities.

        Raises:
            RefusedError: an image cannot be decoded.
        """
        decisions = self._machine.decision_function(vectors(dataset, self.descriptors, advance=advance))
        if decisions.ndim == 1:  # two classes: (N,), positive for the second
            decisions = np.stack([-decisions, decisions], axis=1)
        raised = np.exp(decisions - decisions.max(axis=1, keepdims=True))
        scores = np.zeros((len(dataset), self.classes), np.float32)
        scores[:, self._machine[-1].classes_] = raised / raised.sum(axis=1, keepdims=True)
        return scores


def fit(dataset: Dataset, descriptors: Sequence[str], *, advance: Callable[[int], None] = lambda _: None) -> Baseline:
    """A machine with a radial kernel, of standardised vectors, on all samples.

    Raises:
        RefusedError: an image cannot be decoded.
    """
    machine = make_pipeline(StandardScaler(), SVC(C=_C, gamma="scale", decision_function_shape="ovr"))
    machine.fit(vectors(dataset, descriptors, advance=advance), [sample.label for sample in dataset.samples])
    return Baseline(tuple(descriptors), len(dataset.classes), machine)


def vectors(
    dataset: Dataset, descriptors: Sequence[str], *, advance: Callable[[int], None] = lambda _: None
) -> NDArray[np.float64]:  # -> (N, D)
    """The descriptors of each sample, in order.

    Raises:
        RefusedError: an image cannot be decoded.
    """
    found = []
    for sample in dataset.samples:
        found.append(describe(export.decode(sample.read(), name=sample.name), descriptors))
        advance(1)
    return np.stack(found)
