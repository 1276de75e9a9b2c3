"""What is printed is what was given: no markup, no lost characters."""

import json
import math
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

import releases
from changed_answers import changed, put
from commands import TRIPTYCH, triptych
from triptych import Classification, Prediction, contract
from triptych.testing import FakeServer
from triptych_ops.cli.folder.rows import json_rows
from triptych_ops.cli.output import Cell, json_text, print_json, print_table, printable, table
from triptych_ops.release import Store

from .conftest import Command


@pytest.mark.parametrize("text", ["[unknown]", "apple [red]", "[/x]", ":cat:", "[link=x]"])
def test_brackets_and_colons_are_no_markup(capsys: pytest.CaptureFixture[str], text: str) -> None:
    listing = table("label")
    listing.add_row(text)
    print_table(listing)
    assert text in capsys.readouterr().out


@pytest.mark.parametrize("place", ["column", "cell", "line"])
def test_no_cell_of_a_table_moves_the_cursor(capsys: pytest.CaptureFixture[str], place: str) -> None:
    text = "a\x1b[31m\nb\x85c\u202ed"
    listing = table(text if place == "column" else "label")
    cells: dict[str, Cell] = {"column": "x", "cell": text, "line": ("first", text)}
    listing.add_row(cells[place])
    print_table(listing)
    shown = capsys.readouterr().out
    assert r"a\x1b[31m\nb\x85c\u202ed" in shown
    assert len(shown.split("\n")) == {"column": 4, "cell": 4, "line": 5}[place]
    assert all(character.isprintable() for character in shown.replace("\n", ""))


def test_a_file_name_that_is_no_text_is_no_traceback() -> None:
    name = os.fsdecode(b"caf\xe9.jpg")
    environment = {"PYTHONIOENCODING": "utf-8:strict"}
    done = triptych("classify", "--json", "--url", "grpc://127.0.0.1:1", name, env=environment)
    assert done.returncode == 3
    assert json.loads(done.stdout)["image"] == name
    assert "Traceback" not in done.stderr


def test_a_variable_called_version_does_not_turn_commands_into_it() -> None:
    done = triptych("release", "list", "--store", "nowhere", env={"TRIPTYCH_VERSION": "1"})
    assert done.returncode == 3


def test_a_closed_stdout_is_no_traceback() -> None:
    command = f"exec {TRIPTYCH} release list --store nowhere >&-"
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr.count("\n")) == (3, 1)


@pytest.mark.parametrize(("given", "shown"), [("a\nb", r"a\nb"), ("\x1b[31m", r"\x1b[31m"), ("Zürich 🐈", "Zürich 🐈")])
def test_what_would_move_the_cursor_is_escaped(given: str, shown: str) -> None:
    assert printable(given) == shown


def strict(text: str) -> Any:
    """What the text says as JSON, which knows neither NaN nor infinities."""

    def refuse(word: str) -> None:
        raise ValueError(word)

    return json.loads(text, parse_constant=refuse)


def test_hostile_13_what_is_not_finite_is_null_in_json(capsys: pytest.CaptureFixture[str]) -> None:
    document = {"a": math.nan, "b": [1.5, (math.inf, {"c": -math.inf})], "d": "NaN"}
    with pytest.raises(ValueError, match="NaN"):
        strict(json.dumps(document))  # control
    expected = {"a": None, "b": [1.5, [None, {"c": None}]], "d": "NaN"}
    assert strict(json_text(document, indent=1)) == expected
    print_json(document)
    assert strict(capsys.readouterr().out) == {"schema_version": 1, **expected}


def test_a_row_is_never_invalid_json() -> None:
    result = Classification((Prediction(1, "goldfish", math.nan),), 7, "id", 0.1)
    with pytest.raises(ValueError, match="not JSON compliant"):
        json_rows().text("a.jpg", result)


@pytest.mark.parametrize("score", [math.nan, math.inf, -0.5, 1.5])
def test_hostile_13_classify_prints_json_whatever_the_server_answers(command: Command, score: float) -> None:
    Path("a.jpg").write_bytes(b"image")
    with changed(contract.SCORE, put(score)), FakeServer() as server:
        done = command("classify", "a.jpg", "--json", "--url", server.http_url)
    assert done.status == 1
    for line in done.stdout.splitlines():
        strict(line)
    assert done.stderr.count("\n") == 1
    assert "output SCORE has" in done.stderr


@pytest.mark.parametrize("arguments", [[], ["--json"]])
def test_a_full_stdout_is_not_blamed_on_the_store(arguments: list[str], tmp_path: Path) -> None:
    releases.publish_words(Store(tmp_path), 7)
    command = [str(TRIPTYCH), "release", "list", "--store", str(tmp_path), *arguments]
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 1
    words = "standard output cannot be written: No space left on device; send it elsewhere"
    assert done.stderr == f"triptych: {words}\n"
