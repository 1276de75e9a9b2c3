"""Files of labels."""

from pathlib import Path

import pytest

from triptych_ops.errors import MissingError, OpsError, RefusedError, UsageError
from triptych_ops.export.labels import read_labels


@pytest.mark.parametrize(
    ("name", "content", "labels"),
    [
        ("labels.txt", b"cat\ndog\n", ("cat", "dog")),
        ("labels.txt", b"cat\ndog", ("cat", "dog")),
        ("labels.txt", b"cat\r\ndog\r\n", ("cat", "dog")),
        ("labels.txt", "\ufeffk\u00fche\nkranich\nkranich\n".encode(), ("kühe", "kranich", "kranich")),
        ("labels.txt", b"cat\ndog\n\n \n", ("cat", "dog")),
        ("labels.txt", b"cat \n\ttiger cat\t\r\ndog\r\n\r\n", ("cat", "tiger cat", "dog")),
        ("labels.txt", b"\ncat\n", ("", "cat")),
        ("labels.txt", b"cat\n\ndog\n", ("cat", "", "dog")),  # left for the release's own rule to refuse
        ("labels.json", b'["cat", "d\\u00f6g"]', ("cat", "dög")),
    ],
)
def test_labels_are_read(tmp_path: Path, name: str, content: bytes, labels: tuple[str, ...]) -> None:
    (tmp_path / name).write_bytes(content)
    assert read_labels(tmp_path / name) == labels


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("labels.txt", b"caf\xe9\n", "not UTF-8: .*; save it as UTF-8"),
        ("labels.txt", "cat\n".encode("utf-16"), "not UTF-8: .*; save it as UTF-8"),  # of PowerShell's `>`
        ("labels.json", b'["cat"', "no JSON"),
        ("labels.json", b'{"0": "cat"}', "no JSON list of strings"),
        ("labels.json", b'["cat", 7]', "no JSON list of strings"),
    ],
)
def test_what_is_no_list_is_refused(tmp_path: Path, name: str, content: bytes, words: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(RefusedError, match=words):
        read_labels(tmp_path / name)


@pytest.mark.parametrize(("name", "error"), [("none.txt", MissingError), (".", UsageError)])
def test_no_file_is_no_traceback(tmp_path: Path, name: str, error: type[OpsError]) -> None:
    with pytest.raises(error):
        read_labels(tmp_path / name)
