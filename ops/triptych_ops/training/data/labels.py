"""Which names of classes a release can serve."""

from collections.abc import Sequence

from triptych_ops.errors import RefusedError

_LEAST_CLASSES = 2


def require_labels(classes: Sequence[str], *, source: str) -> None:
    """Whether there is something to tell apart, and each class has a name that is one line of text.

    Raises:
        RefusedError: there are fewer than two classes, or one is empty, is not one line, or is no Unicode.
    """
    if len(classes) < _LEAST_CLASSES:
        raise RefusedError(f"{source} has one class only, {classes[0]!r}; a classifier tells at least two apart")
    for label in classes:
        try:
            label.encode()
        except UnicodeEncodeError as error:
            raise RefusedError(f"the class {label!a} of {source} is no UTF-8; rename it") from error
        if not label.strip() or label.splitlines() != [label]:
            raise RefusedError(f"the class {label!r} of {source} is no label: it must be one line of text; rename it")
