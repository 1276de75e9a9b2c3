"""The options of `triptych serve` that say how a release is laid out on this machine."""

import functools
from collections.abc import Callable
from typing import Any

import click

from triptych_ops import runtime
from triptych_ops.errors import MissingError

_OPTIONS = {
    "preprocess-instances": "Processes that decode.",
    "classifier-instances": "Processes that classify.",
    "postprocess-instances": "Processes that rank.",
    "threads": "Threads of a classifier while others are at work.",
    "lone-threads": "Threads of a classifier that works alone.",
    "batch": "Images gathered for one run of a classifier.",
    "queue-delay-us": "Microseconds that it waits for more of them.",
}
_RANGES = {"queue-delay-us": click.IntRange(0, runtime.MOST_DELAY_US)}
_RANGE = click.IntRange(1, runtime.MOST)
_DEFAULTS = {"queue-delay-us": "as the release says"}
_DEFAULT = "by the cores of this machine"

_ACCELERATOR = "TRIPTYCH_SERVE_ACCELERATOR"


def sizing_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Decorator: the options, given to the command as one parameter `sizing: runtime.Sizing`.

    What is not given is derived from this machine.
    """

    @functools.wraps(command)
    def with_sizing(*args: Any, **kwargs: Any) -> Any:
        given = {field: kwargs.pop(field) for field in map(_field, _OPTIONS)}
        sizing = runtime.Sizing.of_machine().changed(**given, openvino=_openvino(kwargs.pop("accelerator")))
        return command(*args, sizing=sizing, **kwargs)

    with_accelerator = click.option(
        "--accelerator",
        type=click.Choice(["openvino", "none"]),
        envvar=_ACCELERATOR,
        help=f"What runs the classifier faster than ONNX Runtime.  [openvino where installed; {_ACCELERATOR}]",
    )(with_sizing)
    return functools.reduce(lambda decorated, name: _option(name)(decorated), reversed(_OPTIONS), with_accelerator)


def _openvino(accelerator: str | None) -> bool | None:
    """What `--accelerator` says of `Sizing.openvino`; None where it was not given.

    Raises:
        MissingError: it asks for what is not installed.
    """
    if accelerator == "openvino" and not runtime.openvino_installed():
        raise MissingError("--accelerator openvino: it is not installed; run: pip install 'triptych[serve]'")
    return None if accelerator is None else accelerator == "openvino"


def _option(name: str) -> Callable[..., Any]:
    variable = f"TRIPTYCH_SERVE_{_field(name).upper()}"
    return click.option(
        f"--{name}",
        type=_RANGES.get(name, _RANGE),
        envvar=variable,
        help=f"{_OPTIONS[name]}  [{_DEFAULTS.get(name, _DEFAULT)}; {variable}]",
    )


def _field(name: str) -> str:
    return name.replace("-", "_")
