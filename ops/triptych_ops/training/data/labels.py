"""Which names of classes a release can serve."""

import unicodedata
from collections.abc import Sequence

from triptych_ops.errors import RefusedError

_LEAST_CLASSES = 2

MOST_LABEL_BYTES = 1024
"""In UTF-8."""


def require_labels(classes: Sequence[str], *, source: str) -> None:
    """Whether there is something to tell apart, and each class has a name of its own that is one line of text.

    Names that look alike are refused: those that differ only in the Unicode spelling (NFC and NFD), in letter case or
    in white space. Single letters may differ in case, since letters are classes of data sets of handwriting.

    Raises:
        RefusedError: there are fewer than two classes; a name is empty, is not one line, is too long, or is no
            Unicode; two names look alike.
    """
    if not classes:
        raise RefusedError(f"{source} names no class; a classifier tells at least two apart")
    if len(classes) < _LEAST_CLASSES:
        raise RefusedError(f"{source} has one class only, {classes[0]!r}; a classifier tells at least two apart")
    seen: dict[str, str] = {}
    for label in classes:
        try:
            size_bytes = len(label.encode())
        except UnicodeEncodeError as error:
            raise RefusedError(f"the class {label!a} of {source} is no UTF-8; rename it") from error
        if not label.strip() or label.splitlines() != [label] or "\0" in label:
            raise RefusedError(f"the class {label!r} of {source} is no label: it must be one line of text; rename it")
        if size_bytes > MOST_LABEL_BYTES:
            raise RefusedError(
                f"the class {label[:60]!r} ... of {source} has {size_bytes:,} bytes; give it a shorter name"
            )
        key = _key(label)
        if key in seen:
            raise RefusedError(
                f"the classes {seen[key]!a} and {label!a} of {source} look alike; "
                "put their images into one class, or rename one"
            )
        seen[key] = label


def _key(label: str) -> str:
    """Return what two names that look alike have in common."""
    visible = "".join(character for character in label if unicodedata.category(character) != "Cf")
    text = " ".join(unicodedata.normalize("NFC", visible).split())
    return text if len(text) == 1 else unicodedata.normalize("NFC", text.casefold())
