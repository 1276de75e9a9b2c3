"""values.yaml, its schema and the README say the same."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from helm import readme
from helm.chart import CHART, SCENARIOS, helm, merged

_VALUES: dict[str, Any] = yaml.safe_load((CHART / "values.yaml").read_text(encoding="utf-8"))
_SCHEMA: dict[str, Any] = json.loads((CHART / "values.schema.json").read_text(encoding="utf-8"))


def _known(schema: dict[str, Any], path: str = "") -> Iterator[str]:
    for key, below in schema.get("properties", {}).items():
        yield f"{path}{key}"
        yield from _known(below, f"{path}{key}.")


def _given(values: dict[str, Any], schema: dict[str, Any], path: str = "") -> Iterator[str]:
    for key, value in values.items():
        yield f"{path}{key}"
        below = schema["properties"][key]
        if isinstance(value, dict) and "properties" in below:
            yield from _given(value, below, f"{path}{key}.")


def _objects(schema: Any) -> Iterator[dict[str, Any]]:
    if isinstance(schema, dict):
        if "properties" in schema and schema.get("type") == "object":
            yield schema
        for below in schema.values():
            yield from _objects(below)


def test_the_schema_has_the_keys_of_the_values_and_no_others() -> None:
    assert set(_known(_SCHEMA)) - {"global"} == set(_given(_VALUES, _SCHEMA))


def test_no_object_takes_unknown_keys() -> None:
    objects = list(_objects(_SCHEMA))
    assert len(objects) > 20
    assert all(each["additionalProperties"] is False for each in objects)


def test_the_readme_is_what_the_generator_writes() -> None:
    current = (CHART / "README.md").read_text(encoding="utf-8")
    values = (CHART / "values.yaml").read_text(encoding="utf-8")
    assert readme.readme(current, values) == current, "run: .venv/bin/python -m helm.readme"


def test_the_readme_has_every_value() -> None:
    text = (CHART / "README.md").read_text(encoding="utf-8")
    leaves = [path for path in _given(_VALUES, _SCHEMA) if f"| `{path}` |" not in text]
    assert all(any(other.startswith(f"{path}.") for other in _given(_VALUES, _SCHEMA)) for path in leaves)


def test_a_changed_comment_changes_the_readme() -> None:
    text = "# Part.\n\n# What it is.\naccelerator: cpu\n"
    table = readme.table(text)
    assert "### Part" in table
    assert '| `accelerator` | `"cpu"` | What it is. |' in table


def test_every_scenario_says_what_it_is_for() -> None:
    for path in SCENARIOS.values():
        assert path.read_text(encoding="utf-8").startswith("# "), path.name


def test_helm_has_nothing_to_say_against_it() -> None:
    said = helm("lint", "--strict", "--values", str(SCENARIOS["minimal"]), str(CHART))
    assert "0 chart(s) failed" in said
    assert "[WARNING]" not in said


def _whole_numbers(schema: dict[str, Any], number: int) -> dict[str, Any]:
    """Every whole number of the schema at `number`, or at its maximum where that is less."""
    found = {}
    for key, below in schema.get("properties", {}).items():
        if below.get("type") == "integer":
            found[key] = min(number, below.get("maximum", number))
        elif inner := _whole_numbers(below, number):
            found[key] = inner
    return found


@pytest.mark.parametrize("name", SCENARIOS)
def test_large_numbers_stay_whole_numbers(name: str) -> None:
    """Helm reads each number as a float and writes it as 1e+06 from a million on, which no flag takes."""
    scenario = yaml.safe_load(SCENARIOS[name].read_text(encoding="utf-8"))
    values = merged(scenario, _whole_numbers(_SCHEMA, 1_234_567))
    text = helm("template", "test", str(CHART), "--values", "-", values=yaml.safe_dump(values))
    assert "1234567" in text
    assert not re.findall(r".*[\s=:\"']\d(?:\.\d+)?e\+\d\d\b.*", text)
