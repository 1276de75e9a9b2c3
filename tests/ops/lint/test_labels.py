from pathlib import Path

import pytest

from triptych_ops.lint import lint

FILES = ("classifier/classes.txt", "postprocess/1/labels.txt")


@pytest.mark.parametrize("file", FILES)
@pytest.mark.parametrize(
    ("content", "code", "line"),
    [
        (b"a\nb\nc\nd\ne\n", "E502", None),
        (b"a\nb\nc\nd\ne\nf\ng\n", "E502", None),
        (b"a\nb\n \nd\ne\nf\n", "E503", 3),
        (b"a\nb\nc\nd\n\xff\nf\n", "E503", 5),
        (b"", "E502", None),
    ],
)
def test_labels_that_do_not_fit_the_classes(
    repository: Path, file: str, content: bytes, code: str, line: int | None
) -> None:
    (repository / file).write_bytes(content)
    assert (code, file, line) in {(finding.code, finding.path, finding.line) for finding in lint(repository)}


@pytest.mark.parametrize("file", FILES)
@pytest.mark.parametrize(
    "content", ["a\nb\nc\nd\ne\nf", "a\nb, c\nZürich\n日本\ne\nf\n", "a\x85b\nc\u2028\nd\x0c\ne\r\nf\x1c\ng\n"]
)
def test_labels_that_fit(repository: Path, file: str, content: str) -> None:
    (repository / file).write_bytes(content.encode())
    assert lint(repository) == ()
