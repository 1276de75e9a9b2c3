"""What is printed is what was given: no markup, no lost characters."""

import json
import os

import pytest

from commands import triptych
from triptych_ops.cli.output import print_table, table


@pytest.mark.parametrize("text", ["[unknown]", "apple [red]", "[/x]", ":cat:", "[link=x]"])
def test_brackets_and_colons_are_no_markup(capsys: pytest.CaptureFixture[str], text: str) -> None:
    listing = table("label")
    listing.add_row(text)
    print_table(listing)
    assert text in capsys.readouterr().out


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
