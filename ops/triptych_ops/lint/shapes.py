"""Dimensions with -1 for what varies, compared as Triton does."""

from collections.abc import Sequence


def agree(first: Sequence[int], second: Sequence[int]) -> bool:
    """Whether two shapes can be one: as many dimensions, each alike or variable on one side."""
    return len(first) == len(second) and all(
        one == other or -1 in (one, other) for one, other in zip(first, second, strict=True)
    )


def with_batch(dims: Sequence[int], *, batched: bool) -> list[int]:
    """The whole shape of a tensor: (d, …) -> (N, d, …) for a model that batches."""
    return [-1, *dims] if batched else list(dims)
