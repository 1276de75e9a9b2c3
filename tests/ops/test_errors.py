"""Every refusal of a release ends the command with a documented exit code."""

import re

import pytest

from triptych import TriptychError
from triptych_ops import errors


@pytest.mark.parametrize(
    ("kind", "exit_code"),
    [
        (errors.OpsError, 1),
        (errors.UsageError, 2),
        (errors.MissingError, 3),
        (errors.RefusedError, 4),
        (errors.TimedOutError, 5),
    ],
)
def test_every_kind_of_error_has_its_exit_code(kind: type[errors.OpsError], exit_code: int) -> None:
    assert kind.exit_code == exit_code
    assert kind("words").exit_code == exit_code
    assert issubclass(kind, errors.OpsError)
    assert issubclass(kind, TriptychError)


def test_the_tree_in_the_documentation_is_the_one_in_the_code() -> None:
    documented = {name: int(code) for name, code in re.findall(r"(\w+Error) +(\d+) ", errors.__doc__ or "")}
    kinds: list[type[errors.OpsError]] = [errors.OpsError, *errors.OpsError.__subclasses__()]
    assert {kind.__name__: kind.exit_code for kind in kinds if kind.__module__ == errors.__name__} == documented
    assert len(set(documented.values())) == len(documented)
