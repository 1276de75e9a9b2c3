"""Options that say what a run must hold."""

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from loadtests.objectives import objective, objectives_in

_OPTIONS = (
    click.option(
        "--objective",
        "texts",
        multiple=True,
        metavar="TEXT",
        help="What must hold, as p99<100ms, errors<0.1%, achieved>99%, spike: p99<2s.  [default: the profile's]",
    ),
    click.option(
        "--objectives",
        "file",
        type=click.Path(path_type=Path),
        help="YAML file with objectives, a list or lists by stage.",
    ),
)


def objective_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Decorator: the options, given to the command as `objectives`; None where nothing was said."""

    @functools.wraps(command)
    def with_objectives(*args: Any, texts: tuple[str, ...], file: Path | None, **kwargs: Any) -> Any:
        given = [*(objectives_in(file) if file else ()), *map(objective, texts)]
        return command(*args, objectives=given or None, **kwargs)

    for option in reversed(_OPTIONS):
        with_objectives = option(with_objectives)
    return with_objectives
