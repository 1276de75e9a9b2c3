"""What has to hold for a rate to be carried. Pure."""

from collections.abc import Sequence
from typing import Final

from loadtests.objectives import Objective, objective

DEFAULT_P99: Final = "100ms"

_ALWAYS: Final = ("errors<0.1%", "achieved>99%")  # what is not answered, or only long after, is not carried


def carried(given: Sequence[Objective] = (), *, p99: str | None = None) -> list[Objective]:
    """These objectives, `DEFAULT_P99` where there is none of them, and that requests are answered, and in time.

    Raises:
        ObjectiveError: `p99` is no time.
    """
    wanted = list(given)
    if p99 is not None or not wanted:
        wanted.insert(0, objective(f"p99<{p99 or DEFAULT_P99}"))
    named = {each.name for each in wanted}
    return [*wanted, *(each for each in map(objective, _ALWAYS) if each.name not in named)]
