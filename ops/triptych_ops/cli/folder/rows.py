"""One row a file, as JSON or CSV: written as answers come, and read back where a run goes on."""

import csv
import dataclasses
import io
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from triptych import Classification, ImageError
from triptych_ops.errors import RefusedError

from ..output import SCHEMA_VERSION

Outcome: TypeAlias = Classification | ImageError

_CSV_COLUMNS = ("image", "label", "score", "class_id", "release", "error_code", "error_message")
_CSV_FURTHER = ("label", "score", "class_id")  # of each rank after the first, with its number


@dataclass(frozen=True, slots=True)
class Row:
    """What a row that was read back says; `end` is where it ends in the bytes, behind its line break."""

    image: str
    error_code: str | None
    end: int


@dataclass(frozen=True, slots=True)
class RowFormat:
    """How rows become text and text becomes rows. File names that are not UTF-8 stay what they are.

    header: what stands before the first row
    begins: what every file of this format begins with
    text:   a row, with its line break
    read:   the whole rows of the lines of a file; what follows the last one was not written to its end

    `read` raises RefusedError where a whole line is no row.
    """

    header: str
    begins: str
    text: Callable[[str, Outcome], str]
    read: Callable[[Iterable[bytes]], Iterator[Row]]


def _json_record(path: str, outcome: Outcome) -> dict[str, object]:
    """The object of one image, with `predictions` or with `error`."""
    if isinstance(outcome, ImageError):
        return {"image": path, "predictions": [], "error": {"code": outcome.code, "message": outcome.message}}
    return {
        "image": path,
        "predictions": [dataclasses.asdict(prediction) for prediction in outcome.predictions],
        "error": None,
        "release": outcome.release,
        "request_id": outcome.request_id,
        "elapsed_s": round(outcome.elapsed_s, 6),
    }


def _json_text(path: str, outcome: Outcome) -> str:
    return json.dumps({"schema_version": SCHEMA_VERSION, **_json_record(path, outcome)}, allow_nan=False) + "\n"


def _json_rows(lines: Iterable[bytes]) -> Iterator[Row]:
    end = 0
    for number, line in enumerate(lines, 1):
        if not line.endswith(b"\n"):
            return
        end += len(line)
        try:
            record = json.loads(line)
            error_code = record["error"]["code"] if record["error"] else None
            yield Row(str(record["image"]), error_code, end)
        except (ValueError, KeyError, TypeError) as error:
            raise RefusedError(f"line {number} is no row of `triptych classify --json`") from error


def _csv_columns(ranks: int) -> list[str]:
    return [*_CSV_COLUMNS, *(f"{name}_{rank}" for rank in range(2, ranks + 1) for name in _CSV_FURTHER)]


def _csv_text(cells: Sequence[object]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerow(cells)  # so that it quotes either character
    return text.getvalue().removesuffix("\r\n") + "\n"


def _csv_cells(path: str, outcome: Outcome, *, ranks: int) -> list[object]:
    if isinstance(outcome, ImageError):
        cells: Mapping[str, object] = {"error_code": outcome.code, "error_message": outcome.message}
    else:
        cells = {"release": outcome.release}
        for rank, prediction in enumerate(outcome.predictions[:ranks], 1):
            suffix = f"_{rank}" if rank > 1 else ""
            score = f"{prediction.score:.9g}"  # all that float32 holds
            cells |= {
                f"label{suffix}": prediction.label,
                f"score{suffix}": score,
                f"class_id{suffix}": prediction.class_id,
            }
    return [path if column == "image" else cells.get(column, "") for column in _csv_columns(ranks)]


def _csv_rows(lines: Iterable[bytes], *, header: Sequence[str]) -> Iterator[Row]:
    end, ended = 0, False

    def whole_lines() -> Iterator[str]:
        nonlocal end, ended
        for line in lines:
            if not line.endswith(b"\n"):
                break
            end += len(line)
            yield line.decode("utf-8", "surrogateescape")
        ended = True

    reader = csv.reader(whole_lines(), strict=True)
    try:
        for number, cells in enumerate(reader):
            row = dict(zip(header, cells, strict=True))
            if number:
                yield Row(row["image"], row["error_code"] or None, end)
    except (csv.Error, ValueError) as error:
        if isinstance(error, csv.Error) and ended:  # within a quoted cell
            return
        message = f"line {reader.line_num} is no row of `triptych classify --csv` with these columns"
        raise RefusedError(message) from error


def json_rows() -> RowFormat:
    """One JSON object a line, with all classes that were sent."""
    return RowFormat("", f'{{"schema_version": {SCHEMA_VERSION}, "image": "', _json_text, _json_rows)


def csv_rows(ranks: int) -> RowFormat:
    """One line with the best `ranks` classes, below a line with the names of the columns."""
    columns = _csv_columns(ranks)
    header = _csv_text(columns)
    return RowFormat(
        header,
        header,
        lambda path, outcome: _csv_text(_csv_cells(path, outcome, ranks=ranks)),
        lambda lines: _csv_rows(lines, header=columns),
    )
