"""Stand-ins for what Triton's python backend gives a model."""

from typing import Any

from numpy.typing import NDArray


class Tensor:
    """As `pb_utils.Tensor`."""

    def __init__(self, name: str, array: NDArray[Any]) -> None:
        self.name = name
        self._array = array

    def as_numpy(self) -> NDArray[Any]:
        return self._array
