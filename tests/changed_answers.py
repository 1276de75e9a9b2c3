"""Fake servers whose answers break the contract, for the tests of everything that reads answers."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeAlias

import pytest
from numpy.typing import NDArray

from triptych import contract
from triptych.testing import answers

Change: TypeAlias = Callable[[NDArray[Any]], None]
"""Changes a tensor of an answer where it lies."""


def put(value: object) -> Change:
    """Make the first element another one: the best class of the first image."""

    def change(tensor: NDArray[Any]) -> None:
        tensor[0, 0] = value

    return change


@contextmanager
def changed(output: str, change: Change) -> Iterator[None]:
    """Let every fake server of this process change this output of each of its answers, over either protocol."""
    assert output in contract.OUTPUTS

    def outputs(*images: Any, **settings: Any) -> dict[str, NDArray[Any]]:
        made = answers.outputs(*images, **settings)
        if output in made:
            change(made[output])
        return made

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("triptych.testing.server.outputs_of", outputs)
        yield
