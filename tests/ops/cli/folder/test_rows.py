"""Rows as text and back."""

import csv
import io
import json
from collections.abc import Callable

import pytest

from triptych import Classification, ImageError, Prediction
from triptych_ops.cli.folder.rows import Row, RowFormat, csv_rows, json_rows
from triptych_ops.errors import RefusedError

NAMES = [
    "a.jpg",
    'say "cheese", please.jpg',
    "two\nlines.jpg",
    "mac\r.jpg",
    " ;'=1+1.jpg",
    "ünïcode.png",
    "\udcff.jpg",
    "\\",
]
ANSWER = Classification((Prediction(967, "espresso, café", 0.95), Prediction(968, "cup", 0.01)), 7, "id", 0.1)
ERROR = ImageError("corrupt_image", 'truncated, "sic"', source="b.jpg")
FORMATS: dict[str, Callable[[], RowFormat]] = {
    "json": json_rows,
    "csv": lambda: csv_rows(1),
    "csv3": lambda: csv_rows(3),
}


@pytest.fixture(params=FORMATS)
def rows(request: pytest.FixtureRequest) -> RowFormat:
    return FORMATS[request.param]()


def encoded(rows: RowFormat, names: list[str]) -> bytes:
    text = rows.header + "".join(rows.text(name, ANSWER) + rows.text(name + "!", ERROR) for name in names)
    return text.encode("utf-8", "surrogateescape")


def read(rows: RowFormat, data: bytes) -> list[Row]:
    return list(rows.read(io.BytesIO(data)))


def test_whatever_a_file_is_called_its_row_is_read_back(rows: RowFormat) -> None:
    data = encoded(rows, NAMES)
    found = read(rows, data)
    assert [row.image for row in found] == [image for name in NAMES for image in (name, name + "!")]
    assert [row.error_code for row in found] == [None, "corrupt_image"] * len(NAMES)
    assert found[-1].end == len(data)


def test_a_file_cut_anywhere_has_its_whole_rows(rows: RowFormat) -> None:
    data = encoded(rows, NAMES[:3])
    ends = [row.end for row in read(rows, data)]
    for length in range(len(data)):
        found = read(rows, data[:length])
        assert [row.end for row in found] == [end for end in ends if end <= length]


@pytest.mark.parametrize("line", ["x\n", "{}\n", '{"image": "a.jpg"}\n', "[1]\n", "a,b\n", '"x"y\n', "\n"])
def test_a_whole_line_of_another_kind_is_refused_by_its_number(rows: RowFormat, line: str) -> None:
    data = encoded(rows, ["a.jpg"]) + line.encode() + encoded(rows, ["b.jpg"])
    number = 4 if rows.header else 3
    with pytest.raises(RefusedError, match=f"line {number} is no row"):
        read(rows, data)


def test_other_columns_are_refused() -> None:
    with pytest.raises(RefusedError, match="line 1 is no row"):
        read(csv_rows(3), encoded(csv_rows(1), ["a.jpg"]))


def test_json_has_all_that_was_sent() -> None:
    document = json.loads(json_rows().text("a.jpg", ANSWER))
    assert next(iter(document)) == "schema_version"
    assert document["predictions"][1] == {"class_id": 968, "label": "cup", "score": 0.01}
    assert (document["release"], document["error"]) == (7, None)


def test_csv_has_the_best_and_as_many_more_as_are_asked_for() -> None:
    answer, error = csv.DictReader(io.StringIO(encoded(csv_rows(3), ["a"]).decode()))
    assert [*answer.values()] == [
        *("a", "espresso, café", "0.95", "967", "7", "", ""),
        *("cup", "0.01", "968", "", "", ""),
    ]
    assert [*answer][-6:] == ["label_2", "score_2", "class_id_2", "label_3", "score_3", "class_id_3"]
    assert (error["error_code"], error["error_message"], error["label"]) == ("corrupt_image", 'truncated, "sic"', "")
