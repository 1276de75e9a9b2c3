"""Files of labels."""

import json
from pathlib import Path

from triptych_ops.errors import MissingError, RefusedError, UsageError


def read_labels(path: Path) -> tuple[str, ...]:
    """The labels of a file: a JSON list in `.json`, else one a line; UTF-8.

    Of lines, white space at both ends and blank lines at the end of the file are no part of a label.

    Two classes may bear one label, as ImageNet's cranes do: answers tell them apart by CLASS_ID.

    Raises:
        MissingError: there is no such file.
        UsageError: it is no file.
        RefusedError: it is no such list.
    """
    if not path.exists():
        raise MissingError(f"there is no file of labels {path}")
    if not path.is_file():
        raise UsageError(f"{path} is no file; name the file of labels itself")
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise RefusedError(f"{path} is not UTF-8: {error.reason} at byte {error.start}; save it as UTF-8") from error
    if path.suffix == ".json":
        return labels_of_json(text, source=str(path))
    return tuple(line.strip() for line in text.rstrip().split("\n"))


def labels_of_json(text: str, *, source: str) -> tuple[str, ...]:
    """The labels of a JSON list; `source` names it in errors.

    Raises:
        RefusedError: it is no list of strings.
    """
    try:
        labels = json.loads(text)
    except ValueError as error:
        raise RefusedError(f"{source} is no JSON: {error}") from error
    if not isinstance(labels, list) or not all(isinstance(label, str) for label in labels):
        raise RefusedError(f"{source} holds no JSON list of strings, one for each class")
    return tuple(labels)
