"""Stand-ins for what Triton's python backend gives a model."""

from collections import defaultdict
from collections.abc import Callable, Mapping
from typing import Any

from numpy.typing import NDArray

Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]
"""Name of a metric and its labels -> its value."""


class Tensor:
    """As `pb_utils.Tensor`."""

    def __init__(self, name: str, array: NDArray[Any]) -> None:
        self.name = name
        self._array = array

    def as_numpy(self) -> NDArray[Any]:
        return self._array


class Request(Tensor):
    """A request with one input."""

    id = "7"

    def request_id(self) -> str:
        return self.id


class Metric:
    """As `pb_utils.Metric` of a counter."""

    def __init__(self, add: Callable[[float], None]) -> None:
        self.increment = add
        add(0)


class Metrics:
    """What Triton counts for its models; `family` is as `pb_utils.MetricFamily`."""

    def __init__(self) -> None:
        self.samples: Samples = defaultdict(float)
        samples = self.samples

        class Family:
            COUNTER = 0

            def __init__(self, *, name: str, description: str, kind: int) -> None:
                assert description
                assert kind == Family.COUNTER
                self._name = name

            def Metric(self, labels: Mapping[str, str]) -> Metric:  # noqa: N802  Triton's name
                def add(amount: float) -> None:
                    samples[self._name, frozenset(labels.items())] += amount

                return Metric(add)

        self.family = Family

    def value(self, name: str, **labels: str) -> float:
        """Of one metric, which must be there."""
        key = name, frozenset(labels.items())
        assert key in self.samples
        return self.samples[key]
