"""Writes the chart's README: its head, and every value with its default and the comment above it.

.venv/bin/python -m helm.readme
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

CHART = Path(__file__).parent / "triptych"
_BEGIN = "<!-- values: written by helm/readme.py from values.yaml -->\n"
_KEY = re.compile(r"(?P<indent> *)(?P<key>\w+):(?: .*)?")
_LONGEST = 60  # characters of a default that a table holds


@dataclass(frozen=True, slots=True)
class Value:
    """A value of the chart: its dotted path, its default, what values.yaml says above it."""

    path: str
    default: Any
    comment: str


def values(text: str) -> Iterator[Value | str]:
    """What values.yaml has, in its order: values, and as plain text the heads of its parts.

    A value is what is no map, or a map that is empty or foreign: one whose keys have no comments is Kubernetes' own.
    """
    document, comment, path = yaml.safe_load(text), list[str](), list[str]()
    foreign_from: int | None = None
    for line in text.splitlines():
        stripped, indent = line.strip(), len(line) - len(line.lstrip())
        if not stripped:
            if comment:
                yield " ".join(comment).rstrip(".")
                comment.clear()
            continue
        if stripped.startswith("# "):
            comment.append(stripped.removeprefix("# "))
            continue
        match = _KEY.fullmatch(line)
        if match is None or (foreign_from is not None and indent >= foreign_from):
            continue
        foreign_from = None
        path = [*path[: indent // 2], match["key"]]
        default = _at(document, path)
        if isinstance(default, dict) and default and not _is_foreign(path):
            if comment:
                yield Value(".".join(path), None, " ".join(comment))
        else:
            yield Value(".".join(path), default, " ".join(comment))
            foreign_from = indent + 2 if isinstance(default, dict | list) and default else None
        comment.clear()


def table(text: str) -> str:
    """The values as Markdown, a table for each part."""
    lines: list[str] = []
    for item in values(text):
        if isinstance(item, str):
            lines += ["", f"### {item}", "", "| value | default | |", "|---|---|---|"]
        else:
            lines.append(f"| `{item.path}` | {_shown(item)} | {_cell(item.comment)} |")
    return "\n".join(lines).strip() + "\n"


def readme(current: str, text: str) -> str:
    """The README `current` with the tables of `text`, a values.yaml."""
    head, _, _ = current.partition(_BEGIN)
    return f"{head}{_BEGIN}\n{table(text)}"


def _at(document: Any, path: list[str]) -> Any:
    for key in path:
        document = document[key]
    return document


def _is_foreign(path: list[str]) -> bool:
    """Whether a map's keys are Kubernetes' own, or free: values.schema.json does not list them here."""
    schema = json.loads((CHART / "values.schema.json").read_text(encoding="utf-8"))
    for key in path:
        schema = schema["properties"][key]
    return "properties" not in schema


def _shown(value: Value) -> str:
    if value.default is None:
        return ""
    text = json.dumps(value.default)
    return f"`{_cell(text)}`" if len(text) <= _LONGEST else "see values.yaml"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def main() -> None:
    """Write it."""
    path = CHART / "README.md"
    path.write_text(
        readme(path.read_text(encoding="utf-8"), (CHART / "values.yaml").read_text(encoding="utf-8")), encoding="utf-8"
    )


if __name__ == "__main__":
    main()
