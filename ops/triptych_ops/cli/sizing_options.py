"""The options of `triptych serve` that say how a release is laid out on this machine."""

import functools
from collections.abc import Callable
from typing import Any

import click

from triptych_ops import runtime

_OPTIONS = {
    "preprocess-instances": "Processes that decode.",
    "classifier-instances": "Processes that classify.",
    "postprocess-instances": "Processes that rank.",
    "threads": "Threads of a classifier while others are at work.",
    "lone-threads": "Threads of a classifier that works alone.",
    "batch": "Images gathered for one run of a classifier.",
}


def sizing_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Decorator: the options, given to the command as one parameter `sizing: runtime.Sizing`.

    What is not given is derived from the cores that this process may use.
    """

    @functools.wraps(command)
    def with_sizing(*args: Any, **kwargs: Any) -> Any:
        given = {field: kwargs.pop(field) for field in map(_field, _OPTIONS)}
        sizing = runtime.Sizing.of_cores(runtime.usable_cores()).changed(**given)
        return command(*args, sizing=sizing, **kwargs)

    return functools.reduce(lambda decorated, name: _option(name)(decorated), reversed(_OPTIONS), with_sizing)


def _option(name: str) -> Callable[..., Any]:
    variable = f"TRIPTYCH_SERVE_{_field(name).upper()}"
    return click.option(
        f"--{name}",
        type=click.IntRange(1, runtime.MOST),
        envvar=variable,
        help=f"{_OPTIONS[name]}  [by the cores of this machine; {variable}]",
    )


def _field(name: str) -> str:
    return name.replace("-", "_")
