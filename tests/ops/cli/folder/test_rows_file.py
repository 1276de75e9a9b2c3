"""A file of rows: gone on with behind its last whole row, and never damaged."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from triptych import Classification, ImageError, Prediction
from triptych_ops.cli.folder.rows import RowFormat, csv_rows, json_rows
from triptych_ops.cli.folder.rows_file import RowsFile
from triptych_ops.errors import RefusedError, UsageError

ANSWER = Classification((Prediction(1, "cup", 0.5),), 7, "id", 0.1)
ERROR = ImageError("empty_image", "the image has 0 bytes", source="b")
FORMATS: dict[str, Callable[[], RowFormat]] = {"json": json_rows, "csv": lambda: csv_rows(1)}


@pytest.fixture(params=FORMATS)
def rows(request: pytest.FixtureRequest) -> RowFormat:
    return FORMATS[request.param]()


@pytest.fixture
def path(tmp_path: Path, rows: RowFormat) -> Path:
    """A file with three rows."""
    with RowsFile(tmp_path / "rows", rows, resume=False) as file:
        file.append("a", ANSWER)
        file.append("b", ERROR)
        file.append("c\nd", ANSWER)
    return tmp_path / "rows"


def test_what_was_cut_off_is_dropped_and_written_again(path: Path, rows: RowFormat) -> None:
    whole = path.read_bytes()
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        with RowsFile(path, rows, resume=True) as file:
            for image, outcome in (("a", ANSWER), ("b", ERROR), ("c\nd", ANSWER)):
                if image not in file.held:
                    file.append(image, outcome)
        assert path.read_bytes() == whole


def test_the_rows_that_it_holds_are_known_with_their_errors(path: Path, rows: RowFormat) -> None:
    with RowsFile(path, rows, resume=True) as file:
        assert file.held == {"a": None, "b": "empty_image", "c\nd": None}


def test_a_row_is_in_the_file_at_once(tmp_path: Path, rows: RowFormat) -> None:
    with RowsFile(tmp_path / "rows", rows, resume=False) as file:
        for _ in range(2):
            before = file.path.stat().st_size
            file.append("a", ANSWER)
            assert file.path.stat().st_size == before + len(rows.text("a", ANSWER))


def test_what_is_there_is_not_overwritten_unasked(path: Path, rows: RowFormat) -> None:
    before = path.read_bytes()
    with pytest.raises(UsageError, match="--resume"):
        RowsFile(path, rows, resume=False)
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    "content",
    [
        b"notes of mine\n",
        b"notes of mine, without an end",
        b"{",
        b'{"schema_version": 9, "image": "a", "error": null}\n',
        b"image,score\nx,1\n",
    ],
)
def test_what_holds_other_things_is_left_as_it_is(tmp_path: Path, rows: RowFormat, content: bytes) -> None:
    path = tmp_path / "rows"
    path.write_bytes(content)
    if rows.begins.encode().startswith(content):
        content += b"!"
        path.write_bytes(content)
    with pytest.raises(RefusedError, match="name another file"):
        RowsFile(path, rows, resume=True)
    assert path.read_bytes() == content


def test_damage_in_its_middle_is_refused_and_nothing_dropped(path: Path, rows: RowFormat) -> None:
    whole = path.read_bytes()
    damaged = whole + b'x"\n' + whole[len(rows.header) :]
    path.write_bytes(damaged)
    with pytest.raises(RefusedError, match=r"line \d+ is no row"):
        RowsFile(path, rows, resume=True)
    path.write_bytes(whole + b"\0" * 100_000)
    with pytest.raises(RefusedError, match="is damaged behind byte"):
        RowsFile(path, rows, resume=True)
    assert len(path.read_bytes()) == len(whole) + 100_000


def test_only_one_process_writes(path: Path, rows: RowFormat) -> None:
    with RowsFile(path, rows, resume=True), pytest.raises(RefusedError, match="another process"):
        RowsFile(path, rows, resume=True)
    with RowsFile(path, rows, resume=True):
        pass


def test_a_device_takes_rows_and_cannot_be_gone_on_with(rows: RowFormat) -> None:
    with RowsFile(Path(os.devnull), rows, resume=False) as file:
        file.append("a", ANSWER)
    with pytest.raises(UsageError, match="is no file"):
        RowsFile(Path(os.devnull), rows, resume=True)
