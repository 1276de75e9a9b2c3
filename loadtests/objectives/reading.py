"""Objectives as people write them: `p99<100ms`, or a file in YAML, with a list of them, or with lists by stage:

all: [errors<0.1%]
spike: [p99<2s]
"""

import re
from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Final

import yaml

from loadtests.errors import ObjectiveError

from .objective import FIGURES, Objective, Unit

EVERY: Final = "all"

_FORM = re.compile(r"(?:(?P<stage>[^:<>]+):)?\s*(?P<name>\w+)\s*(?P<sign>[<>])=?\s*(?P<value>[\d.]+)\s*(?P<unit>%|\w*)")
_FACTORS: Final[Mapping[Unit, Mapping[str, float]]] = {
    Unit.SECONDS: {"us": 1e-6, "ms": 1e-3, "s": 1.0},
    Unit.RATIO: {"%": 0.01, "": 1.0},
}
_EXAMPLE: Final[Mapping[Unit, str]] = {Unit.SECONDS: "100ms or 2s", Unit.RATIO: "0.1% or 0.001"}


def objective(text: str) -> Objective:
    """An objective such as `p99<100ms`, `errors<0.1%`, `achieved>99%` or, for one stage, `spike: p99<2s`.

    Raises:
        ObjectiveError: it is none.
    """
    found = _FORM.fullmatch(text.strip())
    if not found:
        raise ObjectiveError(
            f"objective {text!r} cannot be read; write for example p99<100ms, errors<0.1%, achieved>99%"
        )
    name, sign = found["name"].lower(), found["sign"]
    if name not in FIGURES:
        near = get_close_matches(name, FIGURES)
        hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(FIGURES)}"
        raise ObjectiveError(f"objective {text!r}: there is no figure {name!r}; {hint}")
    figure = FIGURES[name]
    right_sign = "<" if figure.is_upper else ">"
    if sign != right_sign:
        raise ObjectiveError(f"objective {text!r}: {name} is bounded the other way; write {name}{right_sign}…")
    factors = _FACTORS[figure.unit]
    if found["unit"] not in factors:
        given = f"unit {found['unit']} does not fit" if found["unit"] else "the unit is missing"
        raise ObjectiveError(f"objective {text!r}: {given}; write {_EXAMPLE[figure.unit]}")
    try:
        bound = float(found["value"]) * factors[found["unit"]]
    except ValueError:
        raise ObjectiveError(f"objective {text!r}: {found['value']!r} is no number") from None
    if figure.unit is Unit.RATIO and bound > 1:
        raise ObjectiveError(f"objective {text!r}: {name} is a share, of 1 at most; write {_EXAMPLE[figure.unit]}")
    stage = (found["stage"] or "").strip()
    return Objective(name, bound, None if stage in {"", EVERY} else stage)


def objectives_in(file: Path) -> list[Objective]:
    """The objectives of a YAML file: a list, or lists by stage.

    Raises:
        ObjectiveError: it cannot be read, or holds something else.
    """
    try:
        text = file.read_text(encoding="utf-8")
        document, node = yaml.safe_load(text), yaml.compose(text, Loader=yaml.SafeLoader)
    except FileNotFoundError as error:
        raise ObjectiveError(f"{file}: no such file; name one with objectives") from error
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ObjectiveError(f"{file} cannot be read as YAML: {' '.join(str(error).split())}") from error
    if isinstance(node, yaml.MappingNode):  # of a stage that is given twice PyYAML takes the last one alone
        names = [key.value for key, _ in node.value]
        if repeated := next((name for name in names if names.count(name) > 1), None):
            raise ObjectiveError(f"{file} gives the stage {repeated!r} twice; write one list of its objectives")
    by_stage = {EVERY: document} if isinstance(document, list) else document
    if not isinstance(by_stage, dict) or not by_stage or not all(isinstance(each, list) for each in by_stage.values()):
        raise ObjectiveError(f"{file} holds no objectives; write a list of them, or lists by stage")
    return [_of_stage(str(stage), text, file) for stage, texts in by_stage.items() for text in texts]


def _of_stage(stage: str, text: Any, file: Path) -> Objective:
    try:
        return objective(f"{stage}: {text}")
    except ObjectiveError as error:
        raise ObjectiveError(f"{file}: {error}") from error
